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
from load.caller import Caller
from load.household import INDEXED, furnish
from load.servers import KINDS, Server
from load.shapes import SHAPES, WRONG, Shape, Status, Wrong, some_text, some_texts

_STUCK = 60.0  # seconds
_HELD_UP = 10.0  # seconds without a turn, after which our own clock says nothing of the server
_GROWTH = 0.03  # of resident memory, from the first fifth after warming up to the last
_WARM = 600.0  # seconds; a shorter run is still warming up, and may grow by so much:
_WARMING = 0.15
_LONG = 3000  # words, more than any model reads


@dataclass
class Seen:
    """What came of it all.

    Attributes:
        statuses: of requests by shape's name and status; "malformed" and "long" are apart.
        wrong: what shouldn't have been, in words.
        stuck: requests that had no answer in time, by shape's name.
        held_up: those of them that waited while we ourselves got no turn to run.
        pauses: (seconds, seconds) when we got none, and for how long.
        cancelled: requests whose client went away.
        repeated: answers that were compared with the same request's before.
        memory: (seconds, bytes) of the server.
        latency: seconds of every good answer.
        answers: the first answer to what is repeated, by model and shape.
    """

    statuses: Counter[tuple[str, Status]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stuck: Counter[str] = field(default_factory=Counter)
    held_up: int = 0
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
    asked = arguments()
    random.seed(asked.seed)
    with tempfile.TemporaryDirectory() as work:
        directory = Path(work)
        log = directory / "server.log"
        first, *others = asked.models
        port = _free_port()
        flags = [*others, *furnish(directory), "--grpc-port", str(port)]
        server = Server(KINDS["bertie"], first, log, flags)
        try:
            seen = asyncio.run(soak(server, port, 60 * asked.minutes, asked.connections))
            seen.wrong += growth(seen.memory)
            if code := server.terminate():
                seen.wrong.append(f"the server ended with {code}, expected 0")
        finally:
            server.end()
        report(seen, asked.output)
        if seen.wrong or seen.stuck:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            raise SystemExit(1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def soak(server: Server, port: int, seconds: float, connections: int) -> Seen:
    """Ask for so long."""
    seen = Seen()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections)
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=_STUCK, limits=limits) as http,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        models = (await http.get("/v1/models")).json()["data"]
        able, unable = list(_able(models, SHAPES)), list(_able(models, WRONG))
        kinds = len({shape.name for _, shape in able})
        print(f"{kinds} kinds of request to {len(models)} models", file=sys.stderr)
        if kinds < len(SHAPES):
            seen.wrong.append(f"only {kinds} of {len(SHAPES)} kinds of request have a model")
        caller = Caller(http, channel)
        workers = [_worker(caller, able, unable, end, seen) for _ in range(connections)]
        await asyncio.gather(_watch(server, end, seen), _pulse(end, seen), *workers)
        try:
            after = (await http.get("/health/ready")).text
        except httpx.HTTPError as error:
            after = f"no answer, {type(error).__name__}"
        if "ok" not in after:
            seen.wrong.append(f"afterwards it isn't ready: {after}")
    return seen


def _able(models: Sequence[Mapping[str, Any]], kinds: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """List which kinds of request go to which models."""
    for model in models:
        for kind in kinds:
            searching = kind.task == "search" and model["id"] == INDEXED
            if searching or kind.task in (None, model["task"]):
                yield model["id"], kind


async def _worker(
    caller: Caller,
    able: Sequence[tuple[str, Shape]],
    unable: Sequence[tuple[str, Wrong]],
    end: float,
    seen: Seen,
) -> None:
    """Ask one thing after another."""
    while time.monotonic() < end:
        model, shape = random.choice(able)
        chance = random.random()
        try:
            async with asyncio.timeout(_STUCK):
                if chance < 0.01:
                    await _malformed(caller, *random.choice(unable), seen)
                elif chance < 0.02:
                    await _cancelled(caller, model, shape, seen)
                elif chance < 0.03:
                    await _long(caller, model, shape, seen)
                elif chance < 0.08:
                    await _repeated(caller, model, shape, seen)
                else:
                    await _good(caller, model, shape, some_texts(), seen)
        except (TimeoutError, httpx.TimeoutException):
            await asyncio.sleep(1)  # so that the pulse has told, if it was us
            late = time.monotonic() - 2 * _STUCK
            if any(when > late for when, _ in seen.pauses):
                seen.held_up += 1
            else:
                seen.stuck[shape.name] += 1
        except httpx.HTTPError as error:
            seen.wrong.append(f"{shape.name}: no answer, {type(error).__name__} {error}")


async def _good(caller: Caller, model: str, shape: Shape, texts: list[str], seen: Seen) -> Any:
    """Ask as one should. Returns: the answer."""
    begun = time.perf_counter()
    status, answer = await caller.send(model, shape, shape.body(texts))
    seen.statuses[shape.name, status] += 1
    if status == shape.fine:
        seen.latency.append(time.perf_counter() - begun)
        return answer
    seen.wrong.append(f"{shape.name}: {status} {answer}")
    return None


async def _repeated(caller: Caller, model: str, shape: Shape, seen: Seen) -> None:
    """Ask what was asked before, and compare the answers."""
    answer = await _good(caller, model, shape, ["the old bridge", "who reads a book"], seen)
    if answer is None:
        return
    before = seen.answers.setdefault((model, shape.name), answer)
    seen.repeated += before is not answer
    if answer != before:
        seen.wrong.append(f"{shape.name}: {model} answers otherwise than before")


async def _long(caller: Caller, model: str, shape: Shape, seen: Seen) -> None:
    """Ask for far too much, and see that it is cut or refused, as it should be."""
    status, answer = await caller.send(model, shape, shape.body([some_text(_LONG)]))
    seen.statuses["long", status] += 1
    if status != shape.long:
        seen.wrong.append(f"long {shape.name}: {status}, expected {shape.long}: {answer}")


async def _malformed(caller: Caller, model: str, wrong: Wrong, seen: Seen) -> None:
    """Ask for what can't be, and see that it is refused for the right reason."""
    status, answer = await caller.send(model, wrong, wrong.content)
    seen.statuses["malformed", status] += 1
    if status != wrong.status:
        what = str(wrong.content)[:40]
        seen.wrong.append(
            f"malformed {wrong.route} {what}: {status}, expected {wrong.status}: {answer}"
        )


async def _cancelled(caller: Caller, model: str, shape: Shape, seen: Seen) -> None:
    """Ask and go away before the answer is there."""
    task = asyncio.create_task(caller.send(model, shape, shape.body(some_texts(32))))
    await asyncio.sleep(random.uniform(0, 0.01))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    seen.cancelled += 1


async def _watch(server: Server, end: float, seen: Seen) -> None:
    """Note the server's memory, so that there are at least a hundred values of it."""
    start = time.monotonic()
    pause = min(5.0, (end - start) / 100)
    while (now := time.monotonic()) < end:
        seen.memory.append((now - start, await asyncio.to_thread(server.resident)))
        await asyncio.sleep(pause)


async def _pulse(end: float, seen: Seen) -> None:
    """Note when we ourselves get no turn, as on a machine that has other things to do."""
    before = time.monotonic()
    while before < end:
        await asyncio.sleep(0.5)
        now = time.monotonic()
        if now - before > _HELD_UP:
            seen.pauses.append((now, now - before))
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


def report(seen: Seen, output: Path | None) -> None:
    """Print what was seen, and write it down."""
    done = sorted(seen.latency)
    kinds: dict[str, dict[Status, int]] = {}
    for (name, status), count in sorted(seen.statuses.items(), key=str):
        kinds.setdefault(name, {})[status] = count
    result = {
        "answered": len(done),
        "cancelled": seen.cancelled,
        "stuck": seen.stuck,
        "held_up": seen.held_up,
        "pauses": [seconds for _, seconds in seen.pauses],
        "repeated": seen.repeated,
        "wrong": Counter(seen.wrong).most_common(20),
        "statuses": kinds,
        "ms": {
            f"p{share}": 1e3 * done[min(len(done) - 1, len(done) * share // 100)] if done else None
            for share in (50, 95, 99)
        },
        "memory": seen.memory,
    }
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + "\n")
    for name, statuses in kinds.items():
        print(f"{name}: {', '.join(f'{count} × {status}' for status, count in statuses.items())}")
    print(
        f"{len(done)} answered, {seen.repeated} of them as before, {seen.cancelled} cancelled,"
        f" {seen.stuck.total()} stuck; ms: {result['ms']}"
    )
    for name, count in seen.stuck.most_common():
        print(f"STUCK, {count} ×: {name}")
    for _, seconds in seen.pauses:
        print(f"for {seconds:.0f} s the load itself got no turn, {seen.held_up} requests waited")
    for what, count in Counter(seen.wrong).most_common(20):
        print(f"WRONG, {count} ×: {what}")


if __name__ == "__main__":
    main()
