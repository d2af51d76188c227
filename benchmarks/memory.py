"""How a process's memory grows from a few short texts to many of all lengths.

    python benchmarks/memory.py [SOURCE] [--precision bfloat16] [--threads 2]

Texts are words of the vocabulary at random, made before anything is measured: 500 short ones in one
call, then 10 000 short and 1 000 long ones, mixed, in calls of 500.
"""

import argparse
import random
import resource

from comparison.results import machine, memory

import bertie
from bertie.bench.texts import synthetic_texts


def main() -> None:
    """Embed, and print a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", default="minilm")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    model = bertie.load(args.source, task="embed", precision=args.precision, threads=args.threads)
    kinds = synthetic_texts(model.tokenizer, model.max_length)
    words = " ".join(text for kind in kinds for text in kind.texts).split()
    generator = random.Random(5)

    def texts(count: int, fewest: int, most: int) -> list[str]:
        lengths = [generator.randint(fewest, most) for _ in range(count)]
        return [" ".join(generator.choices(words, k=length)) for length in lengths]

    first, rest = texts(500, 4, 30), texts(10_000, 4, 30) + texts(1_000, 80, 250)
    generator.shuffle(rest)
    model.embed(first)
    few = memory("VmRSS")
    for at in range(0, len(rest), 500):
        model.embed(rest[at : at + 500])
    many = memory("VmRSS")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{args.source}, {model.encoder.precision}, {model.encoder.threads} threads,"
        f" {machine()['cpu']}: {few / 1e6:.0f} MB after 500 short texts, {many / 1e6:.0f} after"
        f" 11,000 short and long ones ({100 * (many / few - 1):+.1f} %), {peak / 1e6:.0f} at most"
    )


if __name__ == "__main__":
    main()
