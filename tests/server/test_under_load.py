"""What happens to requests under way when a process is told to stop, or is killed."""

import http.client
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc

from bertie.server.grpc import tei_pb2 as pb
from tests.server.serving import served
from tests.timeouts import TIMEOUT

_CLIENTS = 6
_ROUTE = "/v1/embeddings"
_METHOD = "Embed/Embed"


class Load:
    """Clients that send requests without rest, each over a connection of its own that is kept.

    Attributes:
        answers: whole answers by their status.
    """

    def __init__(self, port: int, grpc_port: int = 0) -> None:
        """Begin to send."""
        self.answers: Counter[Any] = Counter()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._http, args=(port,)) for _ in range(_CLIENTS)]
        if grpc_port:
            self._threads.append(threading.Thread(target=self._grpc, args=(grpc_port,)))
        for thread in self._threads:
            thread.start()

    def _http(self, port: int) -> None:
        """Send until told to stop, or until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        number = 0
        while not self._done.is_set():
            number += 1
            body = json.dumps({"input": [f"the old bridge {number}"] * (1 + number % 7)})
            try:
                connection.request("POST", _ROUTE, body)
                response = connection.getresponse()
                json.loads(response.read())
            except (http.client.HTTPException, OSError):
                break
            self.answers[response.status] += 1
        connection.close()

    def _grpc(self, port: int) -> None:
        """Do the same over gRPC."""
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            embed = channel.unary_unary(
                f"/tei.v1.{_METHOD}",
                request_serializer=pb.EmbedRequest.SerializeToString,
                response_deserializer=pb.EmbedResponse.FromString,
            )
            while not self._done.is_set():
                try:
                    embed(pb.EmbedRequest(inputs="the old bridge"), timeout=TIMEOUT)
                except grpc.RpcError:
                    break
                self.answers["OK"] += 1

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds."""
        ends = time.monotonic() + TIMEOUT
        while not holds():
            assert time.monotonic() < ends, f"it never held; {self.answers}"
            time.sleep(0.02)

    def end(self) -> None:
        """Stop sending, and wait for the last answers."""
        self._done.set()
        self.join()

    def join(self) -> None:
        """Wait until every client has stopped."""
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()


def requests_of(log: Path) -> Counter[Any]:
    """Count what a server says that it answered, by status."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    said = [one for one in map(json.loads, lines) if one.get("route") in (_ROUTE, _METHOD)]
    return Counter(one["status"] for one in said)


def workers(url: str) -> Any:
    """Ask how the workers are."""
    with urlopen(f"{url}/v1/status", timeout=TIMEOUT) as response:
        return json.load(response)["workers"]


def test_a_server_told_to_stop_under_load_loses_nothing_that_it_accepted(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    options = ("--log-format", "json", "--grpc-port", "0")
    with served(f"tiny={tiny_sentence}", *options, log=log) as up:
        ports = re.search(r"http://127\.0\.0\.1:(\d+), gRPC on 127\.0\.0\.1:(\d+)", log.read_text())
        assert ports is not None
        load = Load(int(ports[1]), int(ports[2]))
        load.until(lambda: load.answers[200] > 50 and load.answers["OK"] > 5)
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(TIMEOUT) == 0
        load.join()
    assert requests_of(log) == load.answers
    assert set(load.answers) == {200, "OK"}
    assert "leaked" not in log.read_text()  # as the core says of what outlives the interpreter


def test_a_killed_worker_costs_only_what_it_computed_and_is_replaced(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    options = ("--log-format", "json", "--workers", "2")
    with served(f"tiny={tiny_sentence}", *options, log=log) as up:
        load = Load(int(up.url.rpartition(":")[2]))
        try:
            for deaths in (1, 2, 3):
                load.until(lambda before=load.answers[200]: load.answers[200] > before + 50)
                os.kill(workers(up.url)[0]["pid"], signal.SIGKILL)
                load.until(lambda deaths=deaths: workers(up.url)[0]["restarts"] == deaths)
                load.until(lambda: all(one["models"] for one in workers(up.url)))
        finally:
            load.end()
    assert set(load.answers) <= {200, 503}
    assert load.answers[503] <= 3 * _CLIENTS
    assert requests_of(log) == load.answers
