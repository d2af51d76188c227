"""Compare the vectors of bfloat16 and int8 with those of float32 on real texts.

    python scripts/compare_precisions.py MODEL DATA [--threads N] [--long N]

MODEL is anything that bertie.load takes; DATA has stsb/stsb-en-dev.csv (sentence, sentence, score)
and cranfield/cran.all.1400. float32 itself is compared with transformers by
compare_transformers.py. Exits with 1 when one of the bars below doesn't hold.
"""

import argparse
import sys
import warnings
from pathlib import Path

from similarity import Bar, Floats, cosines, read_abstracts, read_pairs, spearman

import bertie

# What docs/precision.md promises; the distance of rank correlations is in points.
BARS = {"bfloat16": Bar(0.9999, 0.9995, 0.2), "int8": Bar(0.999, 0.997, 0.2)}


def main() -> int:
    """Compare, print a table, and tell whether every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--long", type=int, default=300, help="abstracts to embed")
    given = parser.parse_args()
    warnings.simplefilter("ignore", bertie.TruncationWarning)

    first, second, scores = read_pairs(given.data / "stsb/stsb-en-dev.csv")
    abstracts = read_abstracts(given.data / "cranfield/cran.all.1400")[: given.long]
    texts = {"STS-B": [*first, *second], "Cranfield": abstracts}
    reference = bertie.load(given.model, precision="float32", threads=given.threads)
    expected = {name: reference.embed(group) for name, group in texts.items()}
    half = len(first)

    def correlation(vectors: Floats) -> float:
        return 100 * spearman(cosines(vectors[:half], vectors[half:]), scores)

    print(f"{given.model}, {reference.encoder.isa}")
    print("| precision | texts | cosine mean | least | Spearman, points |")
    print("| --- | --- | --- | --- | --- |")
    exact = correlation(expected["STS-B"])
    print(f"| float32 | STS-B | 1 | 1 | {exact:.2f} |")
    kept = True
    for precision, bar in BARS.items():
        model = bertie.load(given.model, precision=precision, threads=given.threads)
        for name, group in texts.items():
            vectors = model.embed(group)
            found = cosines(vectors, expected[name])
            mean, least = float(found.mean()), float(found.min())
            kept &= mean >= bar.mean and least >= bar.least
            points = ""
            if name == "STS-B":
                points = f"{correlation(vectors):.2f}"
                kept &= abs(correlation(vectors) - exact) <= bar.points
            print(f"| {precision} | {name} | {mean:.5f} | {least:.5f} | {points} |")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
