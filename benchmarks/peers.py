"""Bertie against its peers: speed, latency, fidelity and memory, in one run on one machine.

    python benchmarks/peers.py minilm
    python benchmarks/peers.py bert-base --short 128 --long 16
    python benchmarks/peers.py modernbert-base --short 128 --long 16

Rounds are interleaved: in each, every engine embeds the short texts, then every engine the long
ones, then every engine one text at a time. Ratios are taken within a round. Each engine has a
process of its own, and all but the one whose turn it is are stopped (comparison/process.py).
"""

import argparse
import datetime
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparison import results
from comparison.checkpoints import SHAPES
from comparison.engines import EMULATED_WITHOUT_BFLOAT16, ENGINES, Engine, ModelFiles, longest
from comparison.process import Process
from comparison.texts import long_texts, short_texts

from bertie.bench.flops import count_flops
from bertie.checkpoint.config import EncoderConfig
from bertie.sources import resolve
from bertie.tokenize import Tokenizer

_HERE = Path(__file__).resolve().parent
_REFERENCE = "sentence-transformers"  # PyTorch in float32
_KINDS = ("short", "long")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", help="a model, or, with random weights, a shape: bert-base or one of SHAPES"
    )
    parser.add_argument("--data", type=Path, default=_HERE.parent.parent / "shared" / "data")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--short", type=int, default=1024, help="short texts in a round")
    parser.add_argument("--long", type=int, default=128, help="long texts in a round")
    parser.add_argument("--one", type=int, default=100, help="calls of one short text in a round")
    parser.add_argument("--engines", nargs="*", help="keys of comparison/engines.py, else all")
    parser.add_argument("--work", type=Path, help="keep the engines' model files here")
    parser.add_argument(
        "--tokenizer", default="minilm", help="the model that a shape takes its from"
    )
    parser.add_argument("--results", type=Path, default=_HERE / "results")
    parser.add_argument("--docs", type=Path, help="a page with places for the tables")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    keys = [engine.key for engine in ENGINES]
    unknown = set(args.engines or ()) - set(keys)
    if unknown:
        raise SystemExit(f"no engine is called {', '.join(unknown)}, only {', '.join(keys)}")
    plain = args.model in SHAPES
    wanted = [
        engine
        for engine in ENGINES
        if engine.key in (args.engines or keys) and engine.any_shape in (None, plain)
    ]
    left_out = {e.key: reason for e in wanted if (reason := skip_reason(e, bool(args.engines)))}
    here = [engine for engine in wanted if engine.key not in left_out]
    with tempfile.TemporaryDirectory() as temporary:
        work = (args.work or Path(temporary)).resolve() / Path(args.model).name
        files = prepare(args.model, args.tokenizer, work, here)
        texts = {
            "short": short_texts(args.data, args.short),
            "long": long_texts(args.data, args.long),
            "one": short_texts(args.data, args.one),
        }
        found = compare(here, files, texts, args.threads, args.rounds, Path(temporary))
    result = {
        "model": args.model,
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/peers.py", *sys.argv[1:]]),
        "machine": results.machine(),
        "threads": args.threads,
        "rounds": args.rounds,
        "left_out": left_out,
        **found,
    }
    name = Path(args.model).name
    args.results.mkdir(exist_ok=True)
    (args.results / f"peers-{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    shown = results.tables(result)
    print(shown)
    if args.docs is not None:
        results.write_between(args.docs, f"peers.py {name}", shown)


def skip_reason(engine: Engine, named: bool) -> str | None:
    """Say why an engine can't take part, or shouldn't unless it was asked for by name."""
    missing = [name for name in engine.modules if importlib.util.find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed: `{engine.install}`"
    native = results.machine()["native_bfloat16"]
    if engine.key in EMULATED_WITHOUT_BFLOAT16 and not native and not named:
        return "this CPU does not multiply bfloat16, and emulating it takes a hundred times as long"
    return None


def prepare(model: str, tokenizer: str, work: Path, engines: Sequence[Engine]) -> ModelFiles:
    """Make the files that the engines want, in a process that ends before anything is timed."""
    formats = sorted({format for engine in engines for format in engine.formats})
    command = [sys.executable, str(_HERE / "comparison" / "formats.py")]
    if model == "bert-base" or model in SHAPES:
        checkpoint = work / "checkpoint"
        command += ["--tokenizer", str(resolve(tokenizer)), "--shape", model]
    else:
        checkpoint = resolve(model)
    path = os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))
    subprocess.run(
        [*command, str(checkpoint), str(work), *formats],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    return ModelFiles(checkpoint, work)


def compare(
    engines: Sequence[Engine],
    files: ModelFiles,
    texts: Mapping[str, list[str]],
    threads: int,
    rounds: int,
    scratch: Path,
) -> dict[str, Any]:
    """Let all engines take turns, and sum up what was found."""
    lists = scratch / "texts.json"
    lists.write_text(json.dumps(texts), encoding="utf-8")
    processes = []
    try:
        for engine in engines:
            log(f"loading {engine.key}")
            processes.append(Process(engine, files, threads, lists))
        for process in processes:  # once untimed, for its vectors
            log(f"warming up {process.engine.key}")
            for kind in _KINDS:
                vectors = scratch / f"{process.engine.key}-{kind}.npy"
                process.run(do="bulk", texts=kind, save=str(vectors))
        load = {"before": os.getloadavg()[0]}
        seconds: dict[str, dict[str, list[list[float]]]] = {
            engine.key: {kind: [] for kind in (*_KINDS, "one")} for engine in engines
        }
        peaks = []
        for number in range(rounds):
            log(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}")
            bertie = next((p for p in processes if "bertie" in p.engine.modules), None)
            if bertie is not None:
                peaks.append(bertie.run(do="peak")["peak"])
            for kind in _KINDS:
                for process in processes:
                    answer = process.run(do="bulk", texts=kind)
                    seconds[process.engine.key][kind].append([answer["seconds"]])
            for process in processes:
                answer = process.run(do="one", texts="one", count=len(texts["one"]))
                seconds[process.engine.key]["one"].append(answer["seconds"])
        load["after"] = os.getloadavg()[0]
        notes = {process.engine.key: process.notes for process in processes}
        sizes = {process.engine.key: process.resident_bytes for process in processes}
    finally:
        for process in processes:
            process.end()
    return {"load": load, **summary(engines, files, texts, seconds, peaks, notes, sizes, scratch)}


def summary(
    engines: Sequence[Engine],
    files: ModelFiles,
    texts: Mapping[str, list[str]],
    seconds: Mapping[str, Mapping[str, list[list[float]]]],
    peaks: Sequence[Mapping[str, float]],
    notes: Mapping[str, Any],
    sizes: Mapping[str, int],
    scratch: Path,
) -> dict[str, Any]:
    """Turn seconds, by engine, kind, round and call, into speeds and ratios."""
    lengths = token_counts(files, texts)
    config = EncoderConfig.from_dict(
        json.loads((files.checkpoint / "config.json").read_text()), where="config.json"
    )
    work = {kind: count_flops(config, lengths[kind]) for kind in _KINDS}
    # One call's time in each round: for single texts the median call's.
    times = {
        key: {kind: [float(np.median(calls)) for calls in rounds] for kind, rounds in kinds.items()}
        for key, kinds in seconds.items()
    }
    reference = _REFERENCE if _REFERENCE in times else engines[0].key

    def vectors(key: str) -> Any:
        return np.concatenate([np.load(scratch / f"{key}-{kind}.npy") for kind in _KINDS])

    def peak_share(engine: Engine) -> Any:
        if "bertie" not in engine.modules:
            return None
        peak = [one[engine.precision] for one in peaks]
        return {
            kind: results.spread(
                [work[kind] / s / p for s, p in zip(times[engine.key][kind], peak, strict=True)]
            )
            for kind in _KINDS
        }

    described = [
        {
            "key": engine.key,
            "name": engine.name,
            "precision": engine.precision,
            "notes": notes[engine.key],
            "tokens_per_second": {
                kind: results.spread([lengths[kind].sum() / s for s in times[engine.key][kind]])
                for kind in _KINDS
            },
            "peak_share": peak_share(engine),
            "one_ms": results.spread([1e3 * s for s in times[engine.key]["one"]]),
            "cosine": results.fidelity(vectors(engine.key), vectors(reference)),
            "resident_bytes": sizes[engine.key],
            "seconds": times[engine.key],
        }
        for engine in engines
    ]
    ours = [engine.key for engine in engines if "bertie" in engine.modules]
    return {
        "reference": reference,
        "texts": {
            kind: {
                "count": len(counts),
                "tokens": int(counts.sum()),
                "mean_tokens": float(counts.mean()),
            }
            for kind, counts in lengths.items()
        },
        "peak": [dict(one) for one in peaks],
        "engines": described,
        "ratios": {
            our: {
                peer: {
                    kind: results.ratios(times[our][kind], times[peer][kind]) for kind in times[our]
                }
                for peer in times
                if peer not in ours
            }
            for our in ours
        },
    }


def token_counts(files: ModelFiles, texts: Mapping[str, list[str]]) -> dict[str, Any]:
    """Count each text's tokens, as all engines cut them."""
    tokenizer = Tokenizer.load(files.checkpoint)
    limit = longest(files.checkpoint)
    return {
        kind: tokenizer.encode_batch(some, max_length=limit).lengths for kind, some in texts.items()
    }


def log(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
