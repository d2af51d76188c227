"""Bertie's server under load, beside the library and beside what people run instead.

    python benchmarks/serve.py minilm
    python benchmarks/serve.py minilm --precision int8 --seconds 20 --peers

In each round the library embeds all texts in this process, then every server is asked for the same
texts by wrk, a compiled load generator, over 64 connections: 8 texts a request, then one. Only the
one whose turn it is runs, all others are stopped. Then, Bertie alone: the median of one request to
an idle server, latency at 70 % of capacity, and five times as much as it can do, in requests of 16
passages. What the generator took of the cores is measured and taken off.
"""

import argparse
import asyncio
import base64
import datetime
import http.client
import json
import os
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from comparison.results import machine, spread
from comparison.texts import long_texts, short_texts
from load import wrk
from load.overload import Outcome, flood
from load.servers import SERVERS, Server, missing

from bertie.loading.load import load
from bertie.sources import resolve
from bertie.tasks.embed import Embedder

_HERE = Path(__file__).resolve().parent
_CONNECTIONS = 64
_SEVERAL = 8  # texts of a request
_PASSAGES = 16  # of a request that overloads
_SHARE = 0.7  # of capacity, where latency is measured
_TIMES = 5  # capacity, that overloads


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="minilm")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--data", type=Path, default=_HERE.parent.parent / "shared" / "data")
    parser.add_argument("--texts", type=int, default=2048, help="distinct short texts")
    parser.add_argument("--passages", type=int, default=512, help="distinct long texts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--peers", action="store_true", help="other servers, too, where installed")
    parser.add_argument("--results", type=Path, default=_HERE / "results")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    if not wrk.available():
        raise SystemExit("wrk isn't installed: apt-get install wrk")
    warnings.simplefilter("ignore")  # passages are cut, as everywhere
    model_directory = resolve(args.model)
    texts = short_texts(args.data, args.texts)
    passages = long_texts(args.data, args.passages)
    kinds = {key: kind for key, kind in SERVERS.items() if key == "bertie" or args.peers}
    left_out = {key: lacking for key, kind in kinds.items() if (lacking := missing(kind))}
    servers: dict[str, Server] = {}
    with tempfile.TemporaryDirectory() as work:
        try:
            for key, kind in kinds.items():
                if key not in left_out:
                    flags = ["--precision", args.precision] if key == "bertie" else []
                    servers[key] = Server(kind, model_directory, Path(work) / f"{key}.log", flags)
                    servers[key].pause()
            model = load(model_directory, precision=args.precision)
            result: dict[str, Any] = {
                "model": args.model,
                "precision": model.info().precision,
                "date": datetime.date.today().isoformat(),
                "command": shlex.join(["python", "benchmarks/serve.py", *sys.argv[1:]]),
                "machine": {**machine(), "cores": _cores()},
                "load": {"before": os.getloadavg()[0]},
                "texts": _described(model, texts),
                "passages": _described(model, passages),
                "left_out": left_out,
                **throughput(model, servers, texts, args.rounds, args.seconds),
            }
            bertie = servers["bertie"]
            bertie.resume()
            result["idle_ms"] = idle(bertie, texts[:200])
            result["at_70_percent"] = steady(bertie, texts, result, args.seconds)
            result["overload"] = overload(bertie, model, passages, args.seconds)
        finally:
            for server in servers.values():
                server.resume()
                server.kill()
    result["load"]["after"] = os.getloadavg()[0]
    args.results.mkdir(exist_ok=True)
    path = args.results / f"serve-{Path(args.model).name}-{result['precision']}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print_summary(result)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _described(model: Embedder, texts: Sequence[str]) -> dict[str, float]:
    lengths = model.tokenizer.encode_batch(texts, max_length=model.max_length).lengths
    return {"count": len(texts), "mean_tokens": float(np.mean(lengths))}


def throughput(
    model: Embedder, servers: Mapping[str, Server], texts: Sequence[str], rounds: int, seconds: int
) -> dict[str, Any]:
    """Measure how many texts a second the library and each server do, round by round."""
    model.embed(texts)
    library: list[float] = []
    found: dict[str, dict[str, list[wrk.LoadResult]]] = {
        key: {"several": [], "one": []} for key in servers
    }
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            model.embed(texts)
            done += len(texts)
        library.append(done / (time.perf_counter() - begun))
        for key, server in servers.items():
            server.resume()
            url = server.url + server.kind.route
            for name, size in (("several", _SEVERAL), ("one", 1)):
                bodies = [server.kind.body(texts[i : i + size]) for i in range(0, len(texts), size)]
                wrk.run(url, bodies, seconds=2, connections=_CONNECTIONS)
                load = wrk.run(url, bodies, seconds=seconds, connections=_CONNECTIONS)
                found[key][name].append(load)
            server.pause()
    return {
        "library_texts_per_second": spread(library),
        "servers": {
            key: {
                name: _loads(loads, size, library)
                for (name, loads), size in zip(kinds.items(), (_SEVERAL, 1), strict=True)
            }
            for key, kinds in found.items()
        },
    }


def _loads(loads: Sequence[wrk.LoadResult], size: int, library: Sequence[float]) -> dict[str, Any]:
    """Put the rounds of one load together."""
    rates = [load.rate * size for load in loads]
    shares = [
        rate / bulk / ((_cores() - load.cores) / _cores())
        for rate, bulk, load in zip(rates, library, loads, strict=True)
    ]
    return {
        "texts_per_second": spread(rates),
        "of_the_library": spread(shares),
        "generator_cores": median(load.cores for load in loads),
        "ms": {name: median(load.ms[name] for load in loads) for name in loads[0].ms},
        "broken": sum(load.broken for load in loads),
        "refused": sum(load.refused for load in loads),
    }


def idle(server: Server, texts: Sequence[str]) -> dict[str, float]:
    """Time one request after another, with one text each, on one connection."""
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    taken = []
    for text in texts:
        body = json.dumps(server.kind.body([text]))
        begun = time.perf_counter()
        connection.request("POST", server.kind.route, body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        taken.append(1e3 * (time.perf_counter() - begun))
    connection.close()
    return {"median": median(taken), "p99": float(np.percentile(taken, 99))}


def steady(
    server: Server, texts: Sequence[str], result: Mapping[str, Any], seconds: int
) -> dict[str, Any]:
    """Offer 70 % of what the server can do, one text a request, and see how long each takes."""
    capacity = result["servers"]["bertie"]["one"]["texts_per_second"]["median"]
    wanted = _SHARE * capacity
    bodies = [server.kind.body([text]) for text in texts]
    pause = 1e3 * _CONNECTIONS / wanted
    for _ in range(4):  # a connection's own wait for its answer is part of its pause
        load = wrk.run(
            server.url + server.kind.route,
            bodies,
            seconds=seconds,
            connections=_CONNECTIONS,
            pause_ms=pause,
        )
        if abs(load.rate / wanted - 1) < 0.03:
            break
        pause *= load.rate / wanted
    return {
        "wanted_per_second": wanted,
        **asdict(load),
        "p99_over_idle": load.ms["p99"] / result["idle_ms"]["median"],
    }


def overload(
    server: Server, model: Embedder, passages: Sequence[str], seconds: int
) -> dict[str, Any]:
    """Offer five times what the server can do, in requests of passages."""
    groups = [passages[i : i + _PASSAGES] for i in range(0, len(passages), _PASSAGES)]
    bodies = [server.kind.body(group) for group in groups]
    expected = [model.embed(group) for group in groups]
    url = server.url + server.kind.route
    capacity = wrk.run(url, bodies, seconds=seconds, connections=8).rate
    if not capacity:
        raise SystemExit(f"no request of {_PASSAGES} passages was answered: give more --seconds")
    before = server.resident()

    def right(number: int, body: Any) -> bool:
        vectors = [np.frombuffer(base64.b64decode(one["embedding"]), "<f4") for one in body["data"]]
        return bool(np.array_equal(np.stack(vectors), expected[number]))

    outcome = asyncio.run(
        flood(
            url,
            bodies,
            per_second=_TIMES * capacity,
            seconds=3 * seconds,
            right=right,
            inputs=_PASSAGES,
        )
    )
    return {
        "capacity_per_second": capacity,
        "goodput": outcome.good / _PASSAGES / outcome.seconds / capacity,
        **_outcome(outcome),
        "resident_bytes": {"before": before, "after": server.resident()},
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    def percentiles(seconds: Sequence[float]) -> dict[str, float] | None:
        if not seconds:
            return None
        p50, p99, most = np.percentile(seconds, (50, 99, 100)) * 1e3
        return {"p50": float(p50), "p99": float(p99), "most": float(most)}

    return {
        "sent": outcome.sent,
        "statuses": {str(status): count for status, count in outcome.statuses.items()},
        "wrong": outcome.wrong,
        "refused_ms": percentiles(outcome.refused_s),
        "accepted_ms": percentiles(outcome.accepted_s),
    }


def print_summary(result: Mapping[str, Any]) -> None:
    """Print what the bars ask about."""
    bulk = result["library_texts_per_second"]["median"]
    print(f"the library: {bulk:,.0f} texts/s ({result['precision']})")
    for key, kinds in result["servers"].items():
        for name, found in kinds.items():
            rate, share = found["texts_per_second"]["median"], found["of_the_library"]["median"]
            print(
                f"{SERVERS[key].name}, {name}: {rate:,.0f} texts/s, {share:.0%} of the library's"
                f" with the generator's {found['generator_cores']:.2f} cores taken off;"
                f" p50 {found['ms']['p50']:.1f} ms, p99 {found['ms']['p99']:.1f} ms,"
                f" {found['refused']} refused"
            )
    steady_load, idle_ms = result["at_70_percent"], result["idle_ms"]["median"]
    print(
        f"at 70 % of capacity: p99 {steady_load['ms']['p99']:.1f} ms,"
        f" {steady_load['p99_over_idle']:.1f} × the {idle_ms:.2f} ms of one request when idle"
    )
    over = result["overload"]
    print(
        f"at {_TIMES} × capacity: goodput {over['goodput']:.0%}, {over['statuses']},"
        f" {over['wrong']} wrong; refused within (ms) {over['refused_ms']}"
    )


if __name__ == "__main__":
    main()
