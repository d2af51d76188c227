"""Keep a server under mixed load, and see that it neither grows, nor gets stuck, nor errs wrongly.

    python scripts/soak.py --minutes 30
    python scripts/soak.py minilm ner=./my-ner --minutes 5

Beside the models given the server has a tiny one for every task, and an index, so that every API
is asked, over some connections that never rest. One request in a hundred is malformed, one is
cancelled by its client, one is far too long; one in twenty repeats an earlier one, whose answer
must be the same. Exit code 1: something didn't hold.
"""

import argparse
import asyncio
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import httpx

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))
from load.client import Client
from load.fixtures import INDEX_MODEL, write_fixtures
from load.request_kinds import (
    BAD_REQUESTS,
    REQUEST_KINDS,
    BadRequest,
    RequestKind,
    Status,
    some_text,
    some_texts,
)
from load.servers import SERVERS, Server

_STUCK = 60.0  # seconds
_STALLED = 10.0  # seconds without a turn, after which our own clock says nothing of the server
_GROWTH = 0.03  # of resident memory, from the first fifth after warming up to the last
_WARM = 600.0  # seconds; a shorter run is still warming up, and may grow by so much:
_WARMING = 0.15
_LONG = 3000  # words, more than any model reads


@dataclass
class Outcome:
    """What came of it all.

    Attributes:
        statuses: of requests by kind and status; "malformed" and "long" are apart.
        errors: what should not have been, in words.
        stuck: requests that had no answer in time, by kind.
        stalled: those of them that waited while we ourselves got no turn to run.
        pauses: (seconds, seconds) when we got none, and for how long.
        cancelled: requests whose client went away.
        repeated: answers that were compared with the same request's before.
        memory: (seconds, bytes) of the server.
        latency: seconds of every good answer.
        answers: the first answer to what is repeated, by model and kind.
    """

    statuses: Counter[tuple[str, Status]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    stuck: Counter[str] = field(default_factory=Counter)
    stalled: int = 0
    pauses: list[tuple[float, float]] = field(default_factory=list)
    cancelled: int = 0
    repeated: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=["minilm"], help="as bertie serve takes them")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, help="a JSON file for what was seen")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    random.seed(args.seed)
    with tempfile.TemporaryDirectory() as work:
        directory = Path(work)
        log = directory / "server.log"
        first, *others = args.models
        port = _free_port()
        flags = [*others, *write_fixtures(directory), "--grpc-port", str(port)]
        server = Server(SERVERS["bertie"], first, log, flags)
        try:
            outcome = asyncio.run(soak(server, port, 60 * args.minutes, args.connections))
            outcome.errors += growth(outcome.memory)
            if code := server.terminate():
                outcome.errors.append(f"the server ended with {code}, expected 0")
        finally:
            server.kill()
        report(outcome, args.output)
        if outcome.errors or outcome.stuck:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            raise SystemExit(1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def soak(server: Server, port: int, seconds: float, connections: int) -> Outcome:
    """Send requests for so long."""
    outcome = Outcome()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections)
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=_STUCK, limits=limits) as http,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        models = (await http.get("/v1/models")).json()["data"]
        good_requests = list(_by_model(models, REQUEST_KINDS))
        bad_requests = list(_by_model(models, BAD_REQUESTS))
        kinds = len({kind.name for _, kind in good_requests})
        print(f"{kinds} kinds of request to {len(models)} models", file=sys.stderr)
        if kinds < len(REQUEST_KINDS):
            outcome.errors.append(
                f"only {kinds} of {len(REQUEST_KINDS)} kinds of request have a model"
            )
        client = Client(http, channel)
        workers = [
            _worker(client, good_requests, bad_requests, end, outcome) for _ in range(connections)
        ]
        await asyncio.gather(_watch(server, end, outcome), _pulse(end, outcome), *workers)
        try:
            after = (await http.get("/health/ready")).text
        except httpx.HTTPError as error:
            after = f"no answer, {type(error).__name__}"
        if "ok" not in after:
            outcome.errors.append(f"afterwards it isn't ready: {after}")
    return outcome


def _by_model(
    models: Sequence[Mapping[str, Any]], kinds: Sequence[Any]
) -> Iterator[tuple[str, Any]]:
    """List which kinds of request go to which models."""
    for model in models:
        for kind in kinds:
            searching = kind.task == "search" and model["id"] == INDEX_MODEL
            if searching or kind.task in (None, model["task"]):
                yield model["id"], kind


async def _worker(
    client: Client,
    good_requests: Sequence[tuple[str, RequestKind]],
    bad_requests: Sequence[tuple[str, BadRequest]],
    end: float,
    outcome: Outcome,
) -> None:
    """Ask one thing after another."""
    while time.monotonic() < end:
        model, kind = random.choice(good_requests)
        chance = random.random()
        try:
            async with asyncio.timeout(_STUCK):
                if chance < 0.01:
                    await _malformed(client, *random.choice(bad_requests), outcome)
                elif chance < 0.02:
                    await _cancelled(client, model, kind, outcome)
                elif chance < 0.03:
                    await _long(client, model, kind, outcome)
                elif chance < 0.08:
                    await _repeated(client, model, kind, outcome)
                else:
                    await _good(client, model, kind, some_texts(), outcome)
        except (TimeoutError, httpx.TimeoutException):
            await asyncio.sleep(1)  # so that the pulse has told, if it was us
            late = time.monotonic() - 2 * _STUCK
            if any(when > late for when, _ in outcome.pauses):
                outcome.stalled += 1
            else:
                outcome.stuck[kind.name] += 1
        except httpx.HTTPError as error:
            outcome.errors.append(f"{kind.name}: no answer, {type(error).__name__} {error}")


async def _good(
    client: Client, model: str, kind: RequestKind, texts: list[str], outcome: Outcome
) -> Any:
    """Ask as one should. Returns: the answer."""
    begun = time.perf_counter()
    status, answer = await client.send(model, kind, kind.body(texts))
    outcome.statuses[kind.name, status] += 1
    if status == kind.ok_status:
        outcome.latency.append(time.perf_counter() - begun)
        return answer
    outcome.errors.append(f"{kind.name}: {status} {answer}")
    return None


async def _repeated(client: Client, model: str, kind: RequestKind, outcome: Outcome) -> None:
    """Ask what was asked before, and compare the answers."""
    answer = await _good(client, model, kind, ["the old bridge", "who reads a book"], outcome)
    if answer is None:
        return
    before = outcome.answers.setdefault((model, kind.name), answer)
    outcome.repeated += before is not answer
    if answer != before:
        outcome.errors.append(f"{kind.name}: {model} answers otherwise than before")


async def _long(client: Client, model: str, kind: RequestKind, outcome: Outcome) -> None:
    """Ask for far too much, and see that it is cut or refused, as it should be."""
    status, answer = await client.send(model, kind, kind.body([some_text(_LONG)]))
    outcome.statuses["long", status] += 1
    if status != kind.long_status:
        outcome.errors.append(f"long {kind.name}: {status}, expected {kind.long_status}: {answer}")


async def _malformed(client: Client, model: str, bad: BadRequest, outcome: Outcome) -> None:
    """Ask for what can't be, and see that it is refused for the right reason."""
    status, answer = await client.send(model, bad, bad.content)
    outcome.statuses["malformed", status] += 1
    if status != bad.status:
        what = str(bad.content)[:40]
        outcome.errors.append(
            f"malformed {bad.route} {what}: {status}, expected {bad.status}: {answer}"
        )


async def _cancelled(client: Client, model: str, kind: RequestKind, outcome: Outcome) -> None:
    """Ask and go away before the answer is there."""
    task = asyncio.create_task(client.send(model, kind, kind.body(some_texts(32))))
    await asyncio.sleep(random.uniform(0, 0.01))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    outcome.cancelled += 1


async def _watch(server: Server, end: float, outcome: Outcome) -> None:
    """Note the server's memory, so that there are at least a hundred values of it."""
    start = time.monotonic()
    pause = min(5.0, (end - start) / 100)
    while (now := time.monotonic()) < end:
        outcome.memory.append((now - start, await asyncio.to_thread(server.resident)))
        await asyncio.sleep(pause)


async def _pulse(end: float, outcome: Outcome) -> None:
    """Note when we ourselves get no turn, as on a machine that has other things to do."""
    before = time.monotonic()
    while before < end:
        await asyncio.sleep(0.5)
        now = time.monotonic()
        if now - before > _STALLED:
            outcome.pauses.append((now, now - before))
        before = now


def growth(memory: Sequence[tuple[float, int]]) -> list[str]:
    """Compare memory at the end with that after warming up. Returns: what is wrong with it."""
    sizes = [size for _, size in memory][len(memory) // 5 :]
    fifth = max(len(sizes) // 5, 1)
    before, after = median(sizes[:fifth]), median(sizes[-fifth:])
    print(f"memory: {before / 1e6:.1f} MB, then {after / 1e6:.1f} MB ({after / before - 1:+.2%})")
    allowed = _GROWTH if memory[-1][0] >= 0.95 * _WARM else _WARMING
    if after <= before * (1 + allowed):
        return []
    return [f"memory grew from {before / 1e6:.1f} to {after / 1e6:.1f} MB"]


def report(outcome: Outcome, output: Path | None) -> None:
    """Print what was seen, and write it down."""
    done = sorted(outcome.latency)
    kinds: dict[str, dict[Status, int]] = {}
    for (name, status), count in sorted(outcome.statuses.items(), key=str):
        kinds.setdefault(name, {})[status] = count
    result = {
        "answered": len(done),
        "cancelled": outcome.cancelled,
        "stuck": outcome.stuck,
        "held_up": outcome.stalled,
        "pauses": [seconds for _, seconds in outcome.pauses],
        "repeated": outcome.repeated,
        "wrong": Counter(outcome.errors).most_common(20),
        "statuses": kinds,
        "ms": {
            f"p{share}": 1e3 * done[min(len(done) - 1, len(done) * share // 100)] if done else None
            for share in (50, 95, 99)
        },
        "memory": outcome.memory,
    }
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + "\n")
    for name, statuses in kinds.items():
        print(f"{name}: {', '.join(f'{count} × {status}' for status, count in statuses.items())}")
    print(
        f"{len(done)} answered, {outcome.repeated} of them as before,"
        f" {outcome.cancelled} cancelled, {outcome.stuck.total()} stuck; ms: {result['ms']}"
    )
    for name, count in outcome.stuck.most_common():
        print(f"STUCK, {count} ×: {name}")
    for _, seconds in outcome.pauses:
        print(f"for {seconds:.0f} s the load itself got no turn, {outcome.stalled} requests waited")
    for what, count in Counter(outcome.errors).most_common(20):
        print(f"WRONG, {count} ×: {what}")


if __name__ == "__main__":
    main()
