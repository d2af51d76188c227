"""Keep a server under mixed load, and see that it neither grows, nor gets stuck, nor errs wrongly.

    python scripts/soak.py --minutes 30
    python scripts/soak.py minilm ner=./my-ner --minutes 5

Every API that the models can answer is asked in turn, over some connections that never rest; one
request in a hundred is malformed, one is cancelled by its client, one is far too long. Exit code 1:
something didn't hold.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))
from load.servers import KINDS, Server

_STUCK = 60.0  # seconds
_GROWTH = 0.03  # of resident memory, from the first fifth after warming up to the last
_SAID = (
    "when does the old library open on friday and may my little boy borrow films or books about"
    " bridges rivers trains and the sea if he has no card yet"
)


@dataclass(frozen=True)
class Shape:
    """A kind of request.

    Attributes:
        name: the API's and the route's.
        task: what its models are for; None: any.
        route: where it goes.
        body: makes one of some texts.
        truncates: whether a text that is far too long is cut or read in windows.
    """

    name: str
    task: str | None
    route: str
    body: Callable[[list[str]], Any]
    truncates: bool = True


def _text(tokens: int = 0) -> str:
    return " ".join(random.choices(_SAID.split(), k=tokens or random.choice((3, 8, 12, 20, 60))))


def _texts(most: int = 8) -> list[str]:
    return [_text() for _ in range(random.randint(1, most))]


SHAPES: Sequence[Shape] = (
    Shape("openai", "embed", "v1/embeddings", lambda t: {"input": t}),
    Shape(
        "openai base64",
        "embed",
        "v1/embeddings",
        lambda t: {"input": t, "encoding_format": "base64"},
    ),
    Shape("tei embed", "embed", "embed", lambda t: {"inputs": t, "truncate": True}),
    Shape("tei embed_all", "embed", "embed_all", lambda t: {"inputs": t[:2], "truncate": True}),
    Shape(
        "tei similarity",
        "embed",
        "similarity",
        lambda t: {"inputs": {"source_sentence": t[0], "sentences": t}},
    ),
    Shape("tei tokenize", None, "tokenize", lambda t: {"inputs": t}),
    Shape("tei decode", None, "decode", lambda t: {"ids": [[1, 2, 3]]}),
    Shape(
        "tei predict",
        "classify",
        "predict",
        lambda t: {"inputs": [[one] for one in t], "truncate": True},
    ),
    Shape("infinity classify", "classify", "classify", lambda t: {"input": t, "model": "m"}),
    Shape("tei rerank", "rank", "rerank", lambda t: {"query": t[0], "texts": t, "truncate": True}),
    Shape(
        "cohere rerank",
        "rank",
        "v2/rerank",
        lambda t: {"model": "m", "query": t[0], "documents": t},
    ),
    Shape("bertie embed", "embed", "v1/embed", lambda t: {"inputs": t}),
    Shape("bertie classify", "classify", "v1/classify", lambda t: {"inputs": t}),
    Shape(
        "bertie zero_shot",
        "zero_shot",
        "v1/zero_shot",
        lambda t: {"inputs": t[:2], "labels": ["a", "b"]},
    ),
    Shape("bertie tag", "tag", "v1/tag", lambda t: {"inputs": t}),
    Shape(
        "bertie answer", "answer", "v1/answer", lambda t: {"inputs": [["when is it open", t[0]]]}
    ),
    Shape(
        "bertie fill",
        "fill",
        "v1/fill",
        lambda t: {"inputs": [one + " [MASK]" for one in t[:1]]},
        truncates=False,
    ),
    Shape(
        "bertie next_sentence",
        "next_sentence",
        "v1/next_sentence",
        lambda t: {"inputs": [[t[0], t[-1]]]},
    ),
    Shape("bertie embed_sparse", "sparse", "v1/embed_sparse", lambda t: {"inputs": t}),
    Shape("bertie tokenize", None, "v1/tokenize", lambda t: {"inputs": t}),
)

# What no server should take, and the statuses that say so.
MALFORMED: Sequence[tuple[str, bytes, frozenset[int]]] = (
    ("v1/embeddings", b"{", frozenset({400})),
    ("v1/embeddings", b'{"input": 7}', frozenset({400, 422})),
    ("v1/embeddings", b'{"input": "\xff"}', frozenset({400})),
    ("embed", b'{"inputs": {"a": 1}}', frozenset({400, 422})),
    ("embed", b'{"inputs": []}', frozenset({400})),
    ("v1/tokenize", b'{"texts": ["a"]}', frozenset({400, 422})),
    ("v1/embeddings", b"[" * 5000 + b"]" * 5000, frozenset({400})),
    ("nowhere", b"{}", frozenset({404})),
)


@dataclass
class Seen:
    """What came of it all.

    Attributes:
        statuses: of requests by shape's name and status.
        wrong: what shouldn't have been, in words.
        stuck: requests that had no answer in time.
        memory: (seconds, bytes) of the server.
        latency: seconds of every good answer.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stuck: int = 0
    cancelled: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)


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
    kind = KINDS["bertie"]
    with tempfile.TemporaryDirectory() as work:
        log = Path(work) / "server.log"
        first, *others = asked.models
        server = Server(kind, first, log, others)
        try:
            seen = asyncio.run(soak(server, 60 * asked.minutes, asked.connections))
            seen.wrong += growth(seen.memory)
            if code := server.terminate():
                seen.wrong.append(f"the server ended with {code}, expected 0")
        finally:
            server.end()
        report(seen, asked.output)
        if seen.wrong or seen.stuck:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            raise SystemExit(1)


async def soak(server: Server, seconds: float, connections: int) -> Seen:
    """Ask for so long."""
    seen = Seen()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections)
    async with httpx.AsyncClient(base_url=server.url, timeout=_STUCK, limits=limits) as http:
        models = (await http.get("/v1/models")).json()["data"]
        able = list(_able(models))
        print(f"{len(able)} kinds of request to {len(models)} models", file=sys.stderr)
        workers = [_worker(http, able, end, seen) for _ in range(connections)]
        await asyncio.gather(_watch(server, end, seen), *workers)
        try:
            after = (await http.get("/health/ready")).text
        except httpx.HTTPError as error:
            after = f"no answer, {type(error).__name__}"
        if "ok" not in after:
            seen.wrong.append(f"afterwards it isn't ready: {after}")
    return seen


def _able(models: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Shape]]:
    """List which shapes go to which models."""
    for model in models:
        for shape in SHAPES:
            if shape.task in (None, model["task"]):
                yield model["id"], shape


async def _worker(
    http: httpx.AsyncClient, able: Sequence[tuple[str, Shape]], end: float, seen: Seen
) -> None:
    """Ask one thing after another."""
    while time.monotonic() < end:
        model, shape = random.choice(able)
        path = f"/models/{model}/{shape.route}"
        chance = random.random()
        try:
            if chance < 0.01:
                await _malformed(http, seen)
            elif chance < 0.02:
                await _cancelled(http, path, shape, seen)
            else:
                await _good(http, path, shape, seen, long=chance < 0.03 and shape.truncates)
        except httpx.TimeoutException:
            seen.stuck += 1
        except httpx.HTTPError as error:
            seen.wrong.append(f"{shape.name}: no answer, {type(error).__name__} {error}")


async def _good(
    http: httpx.AsyncClient, path: str, shape: Shape, seen: Seen, *, long: bool
) -> None:
    """Ask as one should, maybe for far too much."""
    texts = [_text(3000)] if long else _texts()
    begun = time.perf_counter()
    response = await http.post(path, json=shape.body(texts))
    seen.statuses[shape.name, response.status_code] += 1
    if response.status_code == 200:
        seen.latency.append(time.perf_counter() - begun)
        response.json()
    else:
        seen.wrong.append(f"{shape.name}: {response.status_code} {response.text[:200]}")


async def _malformed(http: httpx.AsyncClient, seen: Seen) -> None:
    """Ask for what can't be, and see that it is refused for the right reason."""
    route, content, expected = random.choice(MALFORMED)
    headers = {"content-type": "application/json"}
    response = await http.post(f"/{route}", content=content, headers=headers)
    seen.statuses["malformed", response.status_code] += 1
    if response.status_code not in expected:
        seen.wrong.append(
            f"malformed {route} {content[:40]!r}: {response.status_code},"
            f" expected {sorted(expected)}"
        )


async def _cancelled(http: httpx.AsyncClient, path: str, shape: Shape, seen: Seen) -> None:
    """Ask and go away before the answer is there."""
    task = asyncio.create_task(http.post(path, json=shape.body(_texts(32))))
    await asyncio.sleep(random.uniform(0, 0.01))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    seen.cancelled += 1


async def _watch(server: Server, end: float, seen: Seen) -> None:
    """Note the server's memory, so that there are at least a hundred values of it."""
    start = time.monotonic()
    pause = min(5.0, (end - start) / 100)
    while (now := time.monotonic()) < end:
        seen.memory.append((now - start, server.resident()))
        await asyncio.sleep(pause)


def growth(memory: Sequence[tuple[float, int]]) -> list[str]:
    """Compare memory at the end with that after warming up. Returns: what is wrong with it."""
    sizes = [size for _, size in memory][len(memory) // 5 :]
    fifth = max(len(sizes) // 5, 1)
    before, after = median(sizes[:fifth]), median(sizes[-fifth:])
    print(f"memory: {before / 1e6:.1f} MB, then {after / 1e6:.1f} MB ({after / before - 1:+.1%})")
    if after <= before * (1 + _GROWTH):
        return []
    return [f"memory grew from {before / 1e6:.1f} to {after / 1e6:.1f} MB"]


def report(seen: Seen, output: Path | None) -> None:
    """Print what was seen, and write it down."""
    done = sorted(seen.latency)
    kinds: dict[str, dict[int, int]] = {}
    for (name, status), count in sorted(seen.statuses.items()):
        kinds.setdefault(name, {})[status] = count
    result = {
        "answered": len(done),
        "cancelled": seen.cancelled,
        "stuck": seen.stuck,
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
        f"{len(done)} answered, {seen.cancelled} cancelled, {seen.stuck} stuck; ms: {result['ms']}"
    )
    for what, count in Counter(seen.wrong).most_common(20):
        print(f"WRONG, {count} ×: {what}")


if __name__ == "__main__":
    main()
