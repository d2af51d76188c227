"""What a token costs in long texts, and what memory they take.

    python benchmarks/long.py CHECKPOINT [--precision float32] [--lengths 512 2048 8192]

Rounds are interleaved: in each, every length is run once for as many tokens. Prints what a token
costs beside one of the shortest length, the same ratio of the operations (bertie.bench.flops), and
the most memory that a pass took beyond what stood there after loading and one short text, the
hidden states that it gives included.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from comparison.results import machine, memory

from bertie.bench.flops import count_flops
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine.encoder import Encoder, Recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    checkpoint = Checkpoint.open(given.checkpoint)
    config, tensors = checkpoint.config, encoder_tensors(checkpoint)
    recipe = Recipe(given.precision)
    encoder = Encoder(config, tensors, threads=given.threads, recipe=recipe)
    random = np.random.default_rng(0)
    longest = max(given.lengths)
    ids = random.integers(1000, config.vocab_size, longest).astype(np.int32)
    types = np.zeros_like(ids)

    def run(length: int, times: int = 1) -> float:
        lengths = np.full(times, length, np.int32)
        began = time.perf_counter()
        encoder.forward(np.tile(ids[:length], times), np.tile(types[:length], times), lengths)
        return (time.perf_counter() - began) / (length * times)

    run(min(given.lengths))
    standing = memory("VmRSS")
    taken = {}
    for length in sorted(given.lengths):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
        run(length)
        taken[length] = memory("VmHWM") - standing
    seconds: dict[int, list[float]] = {length: [] for length in given.lengths}
    for _ in range(given.rounds):
        for length in given.lengths:
            seconds[length].append(run(length, longest // length))
    print(
        f"{given.checkpoint.parent.name}, {given.precision}, {encoder.threads} threads,"
        f" {machine()['cpu']}, {encoder.isa}"
    )
    first = given.lengths[0]
    work = {n: count_flops(config, np.array([n], np.int32)) / n for n in given.lengths}
    for length in given.lengths:
        ratios = [a / b for a, b in zip(seconds[length], seconds[first], strict=True)]
        cost = statistics.median(seconds[length])
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"{length:6} tokens: {1 / cost:8.0f} tokens/s,"
            f" {work[length] / cost / 1e9:6.1f} GFLOP/s, a token costs"
            f" {statistics.median(ratios):.2f} ({spread}) of one at {first}, its operations"
            f" {work[length] / work[first]:.2f}, memory {taken[length] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
