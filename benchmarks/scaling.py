"""What Bertie's cost depends on: tokens per text, texts per call, threads, layers and width.

    python benchmarks/scaling.py --precision float32 int8 --plot docs/images/scaling.png

Every point is measured once a round, one after another, and the median of the rounds is kept. Text
goes in and vectors come out, except that prompts play no part.
"""

import argparse
import datetime
import json
import os
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import numpy as np
from comparison.checkpoints import write_checkpoint
from comparison.results import machine

from bertie import _core
from bertie.bench.flops import count_flops
from bertie.loading.load import load
from bertie.sources import resolve
from bertie.tasks.embed import Embedder
from bertie.tokenize import Tokenizer

_HERE = Path(__file__).resolve().parent
_LENGTHS = (8, 16, 32, 64, 128, 256, 512)  # tokens in a text
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # texts in a call
_LAYERS = (1, 2, 4, 8, 12)
_WIDTHS = (128, 256, 384, 512, 768)
_HEAD = 64  # width of an attention head, as in BERT
_SHORT = 16  # tokens of a short text
_BULK = 8192  # tokens in a call that counts as bulk
_SHAPE_TOKENS = 2048  # and where shapes are compared, in texts of _SHAPE_LENGTH
_SHAPE_LENGTH = 32
_SPECIAL = 2  # tokens that frame a text


@dataclass
class Point:
    """Something to measure: where it stands in its series, and the seconds of each round."""

    series: str
    at: Mapping[str, Any]
    run: Callable[[], Any]
    tokens: int
    texts: int
    flops: int
    seconds: list[float] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Give the median round's cost."""
        seconds = median(self.seconds)
        return {
            **self.at,
            "us_per_token": 1e6 * seconds / self.tokens,
            "ms_per_text": 1e3 * seconds / self.texts,
            "tokens_per_second": self.tokens / seconds,
            "gflops": self.flops / seconds / 1e9,
            "seconds": self.seconds,
        }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="minilm")
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=_HERE / "results")
    parser.add_argument("--plot", type=Path, help="a PNG file; needs matplotlib")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    warnings.simplefilter("ignore")  # calibrating int8 on random weights warns of the vocabulary
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as work:
        series = {
            precision: measure(
                list(points(resolve(args.model), precision, args.threads, Path(work))),
                precision,
                args.threads,
                args.rounds,
            )
            for precision in args.precision
        }
    result = {
        "model": args.model,
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/scaling.py", *sys.argv[1:]]),
        "machine": machine(),
        "load": {"before": load_before, "after": os.getloadavg()[0]},
        "threads": args.threads,
        "rounds": args.rounds,
        "series": series,
    }
    args.results.mkdir(exist_ok=True)
    (args.results / "scaling.json").write_text(json.dumps(result, indent=1) + "\n")
    for precision, found in series.items():
        print_summary(precision, found)
    if args.plot is not None:
        from comparison.plot import plot

        plot(result, args.plot)


def points(checkpoint: Path, precision: str, threads: int, work: Path) -> Iterator[Point]:
    """List everything to measure, models loaded."""
    words = single_token_words(Tokenizer.load(checkpoint))
    longest = max(_LENGTHS)
    model = load(checkpoint, precision=precision, threads=threads, max_length=longest)

    def point(series: str, model: Embedder, length: int, count: int, **at: Any) -> Point:
        texts = some_texts(words, length, count)
        cost = count_flops(model.encoder.config, np.full(count, length, np.int32))
        return Point(series, at, lambda: model.embed(texts), length * count, count, cost)

    for length in _LENGTHS:
        yield point("tokens per text", model, length, _BULK // length, tokens=length)
    for count in _BATCHES:
        yield point("texts per call", model, _SHORT, count, texts=count)
    for number in sorted({1, threads}):
        other = load(checkpoint, precision=precision, threads=number, max_length=longest)
        for length in (_SHORT, longest // 2):
            at = {"threads": number, "tokens": length}
            yield point("threads", other, length, _BULK // length, **at)
    for width in _WIDTHS:
        for layers in _LAYERS:
            directory = work / f"{precision}-{width}-{layers}"
            sizes = {
                "hidden_size": width,
                "num_hidden_layers": layers,
                "num_attention_heads": width // _HEAD,
                "intermediate_size": 4 * width,
            }
            write_checkpoint(directory, sizes, checkpoint, longest)
            shaped = load(directory, precision=precision, threads=threads)
            count = _SHAPE_TOKENS // _SHAPE_LENGTH
            at = {"layers": layers, "width": width}
            yield point("layers × width", shaped, _SHAPE_LENGTH, count, **at)


def measure(todo: Sequence[Point], precision: str, threads: int, rounds: int) -> dict[str, Any]:
    """Measure everything in rounds, the multiply peak once in each."""
    for point in todo:
        point.run()
    peaks = []
    for number in range(rounds):
        print(f"{precision}, round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        peaks.append(_core.multiply_peak(precision, threads) / 1e9)
        for point in todo:
            begun = time.perf_counter()
            point.run()
            point.seconds.append(time.perf_counter() - begun)
    series: dict[str, Any] = {"peak_gflops": median(peaks)}
    for point in todo:
        series.setdefault(point.series, []).append(point.result())
    return series


def single_token_words(tokenizer: Tokenizer) -> list[str]:
    """List words that are one token each, so that a text's length can be chosen."""
    words = [token for token in tokenizer.vocab if token.isascii() and token.isalpha()]
    lengths = tokenizer.encode_batch(words).lengths
    return [word for word, n in zip(words, lengths, strict=True) if n == 1 + _SPECIAL]


def some_texts(words: Sequence[str], length: int, count: int) -> list[str]:
    """Write texts of `length` tokens each, always the same."""
    random = Random(length)
    return [" ".join(random.choices(words, k=length - _SPECIAL)) for _ in range(count)]


def print_summary(precision: str, found: Mapping[str, Any]) -> None:
    """Print what the bars ask about."""
    cost = {one["tokens"]: one["us_per_token"] for one in found["tokens per text"]}
    print(f"{precision}: peak {found['peak_gflops']:.0f} GFLOP/s")
    print("  µs per token: " + ", ".join(f"{n}: {us:.1f}" for n, us in cost.items()))
    print(f"  a token at 512 costs {cost[512] / cost[64]:.2f} × one at 64")
    calls = ", ".join(
        f"{one['texts']}: {one['ms_per_text']:.3f}" for one in found["texts per call"]
    )
    print(f"  ms per text of {_SHORT} tokens, by texts in a call: {calls}")
    by_length: dict[int, list[float]] = {}
    for one in found["threads"]:
        by_length.setdefault(one["tokens"], []).append(one["tokens_per_second"])
    for length, rates in by_length.items():
        gain = f"{rates[-1] / rates[0]:.2f}"
        print(f"  all threads against one, texts of {length} tokens: {gain} ×")
    best = max(found["layers × width"], key=lambda one: one["gflops"])
    share = 100 * best["gflops"] / found["peak_gflops"]
    print(f"  best shape: {best['layers']} layers of {best['width']}, {share:.0f} % of the peak")


if __name__ == "__main__":
    main()
