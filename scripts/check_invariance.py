"""Check that a text's vector is the same to the last bit in any company.

    python scripts/check_invariance.py SOURCE … [--compositions 10000] [--isa NAME …]

For every ISA that this machine runs and every precision, texts of many lengths are embedded alone
on one thread. Then come random compositions: some of the texts, in random order, in one call, on
one thread or two. Each vector of each composition must equal, bit for bit, that of its text alone.
Each ISA runs in a process of its own, for BERTIE_ISA is read when a model is loaded. Prints a line
for each model, ISA and precision; exits with 1 if anything differed.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

import bertie
from bertie import _core
from bertie.bench.texts import synthetic_texts
from bertie.engine.encoder import PRECISIONS

_TEXTS = 48  # that compositions draw from
_FEW, _MANY = 4, 40  # texts in a composition: mostly a few, so that threads share one group of them


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="models, small ones first")
    parser.add_argument("--compositions", type=int, default=10_000, help="for each combination")
    parser.add_argument("--isa", nargs="*", help="instead of all that this machine runs")
    parser.add_argument("--precision", nargs="*", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--longest", type=int, default=128, help="the most tokens of a text")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if "BERTIE_ISA" in os.environ:
        return check_all(args)
    failed = 0
    for isa in args.isa or _core.available_isas():
        environment = {**os.environ, "BERTIE_ISA": isa}
        failed |= subprocess.run([sys.executable, *sys.argv], env=environment).returncode
    return int(failed != 0)


def check_all(args: argparse.Namespace) -> int:
    """Check this process's ISA."""
    failed = 0
    for source in args.sources:
        for precision in args.precision:
            begun = time.perf_counter()
            different, vectors, tokens = check(source, precision, args)
            failed |= different
            print(
                f"{source} {os.environ['BERTIE_ISA']} {precision}:"
                f" {args.compositions} compositions, {vectors} vectors, {tokens} tokens,"
                f" {different} differ"
                f" ({time.perf_counter() - begun:.0f} s)",
                flush=True,
            )
    return int(failed != 0)


def check(source: str, precision: str, args: argparse.Namespace) -> tuple[int, int, int]:
    """Embed random compositions. Returns: vectors that differ, vectors in all, their tokens."""
    models = [
        bertie.load(
            source,
            task="embed",
            precision=precision,
            threads=threads,
            max_length=args.longest,
        )
        for threads in (1, 2)
    ]
    random = np.random.default_rng(args.seed)
    texts = texts_of_many_lengths(models[0], random)
    alone = np.stack([models[0].embed(text) for text in texts]).view(np.uint32)
    lengths = models[0].tokenizer.encode_batch(texts, max_length=models[0].max_length).lengths
    different = vectors = tokens = 0
    for _ in range(args.compositions):
        most = _MANY if random.random() < 0.1 else _FEW
        chosen = random.integers(len(texts), size=random.integers(1, most + 1))
        model = models[random.integers(len(models))]
        together = model.embed([texts[i] for i in chosen]).view(np.uint32)
        different += int((together != alone[chosen]).any(axis=1).sum())
        vectors += len(chosen)
        tokens += int(lengths[chosen].sum())
    return different, vectors, tokens


def texts_of_many_lengths(model: bertie.Embedder, random: np.random.Generator) -> list[str]:
    """Write texts whose lengths go evenly, by ratio, from none to the most that is read."""
    words = " ".join(
        text for kind in synthetic_texts(model.tokenizer, 64) for text in kind.texts
    ).split()
    counts = np.geomspace(1, model.max_length - 2, _TEXTS - 1).round().astype(int)
    return ["", *(" ".join(random.choice(words, size=count)) for count in counts)]


if __name__ == "__main__":
    sys.exit(main())
