"""The front process: it listens, stops when told to, and takes its workers along."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError
from bertie.server.process import listening
from bertie.server.settings import HttpSettings
from tests.timeouts import TIMEOUT

pytest.importorskip("uvicorn", reason="needs bertie[server]")
pytest.importorskip("msgspec", reason="needs bertie[server]")


class Server:
    """A server in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bertie", "serve", *arguments, "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", first)
        self.port = int(found[1]) if found else 0

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            headers = {"content-type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
            return response.status, json.loads(raw) if raw.startswith((b"{", b"[")) else raw
        finally:
            connection.close()

    def status(self) -> Any:
        """The live metrics."""
        return self.request("GET", "/v1/status")[1]

    def wait(self) -> int:
        """Wait for the process to end."""
        return self.process.wait(TIMEOUT)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def started(*arguments: str) -> Server:
        servers.append(Server(*arguments))
        return servers[-1]

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()
        assert server.process.stderr is not None
        server.process.stderr.close()


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < ends, "it never held"
        time.sleep(0.02)


def test_a_server_that_is_told_to_stop_answers_what_it_accepted(
    start: Callable[..., Server], tiny_sentence: Path
) -> None:
    server = start(f"tiny={tiny_sentence}")
    until(lambda: server.request("GET", "/health/ready")[0] == 200)
    worker = server.status()["workers"][0]["pid"]
    os.kill(worker, signal.SIGSTOP)
    results: list[tuple[int, Any]] = []

    def send(number: int) -> None:
        results.append(server.request("POST", "/v1/embeddings", {"input": f"text {number}"}))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: server.status()["in_flight"] == 20)
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(ConnectionError):
        until(lambda: server.request("GET", "/health/live") is None)
    os.kill(worker, signal.SIGCONT)
    for thread in threads:
        thread.join(TIMEOUT)
    assert [status for status, _ in results] == [200] * 20
    assert server.wait() == 0


def test_a_server_that_dies_takes_its_workers_along(
    start: Callable[..., Server], tiny_sentence: Path
) -> None:
    server = start(f"tiny={tiny_sentence}", "--workers", "2")
    until(lambda: server.request("GET", "/health/ready")[0] == 200)
    workers = [worker["pid"] for worker in server.status()["workers"]]
    server.process.kill()
    server.process.wait()
    until(lambda: not any(_lives(pid) for pid in workers))


def test_a_model_that_can_not_be_loaded_ends_the_server(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(f"tiny={tmp_path / 'nowhere'}")
    assert server.wait() == 1
    assert server.process.stderr is not None
    assert "nowhere does not exist" in server.process.stderr.read()


def test_a_server_that_is_told_to_stop_while_it_loads_stops(
    start: Callable[..., Server], tiny_sentence: Path
) -> None:
    server = start(f"tiny={tiny_sentence}")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert server.process.stderr is not None
    assert server.process.stderr.read() == ""


def test_an_address_that_is_taken_is_refused() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError, match=r"can't listen on 127\.0\.0\.1, port \d+: Address already"),
        listening(HttpSettings(port=taken.getsockname()[1])),
    ):
        pass


def _lives(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            != "Z"
        )
    except FileNotFoundError:
        return False
