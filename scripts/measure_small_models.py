"""Measure what bfloat16 and int8 change in the small models of train_small_models.py.

    python scripts/measure_small_models.py DATA [--models DIR] [--threads N]

Of every model: cosines of each precision's vectors with float32's, over texts that training never
read, and how far the task's own metric moves, in points: Spearman of STS-B's pairs for embedders,
accuracy on SST-2 for classifiers. Prints a table; exits with 1 when one of the bars below doesn't
hold.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from similarity import Bar, Floats, cosines, spearman
from small_model_texts import SmallModelTexts

import bertie

BARS = {"bfloat16": Bar(0.9999, 0.9995, 0.3), "int8": Bar(0.999, 0.995, 0.3)}


def metric_of(path: Path, texts: SmallModelTexts, options: dict[str, Any]) -> float:
    """Score a model on its own task, in points."""
    if path.name.endswith("-sts"):
        pairs = texts.held_out_pairs
        model = bertie.load(path, **options)
        found = cosines(model.embed(pairs.first), model.embed(pairs.second))
        return 100 * spearman(found, np.array(pairs.scores))
    sentences = texts.held_out_sentences
    ranked = bertie.load(path, task="classify", **options).classify(list(sentences.texts))
    names = ("negative", "positive")
    pairs_of = zip(ranked, sentences.labels, strict=True)
    return 100 * float(np.mean([best[0].label == names[label] for best, label in pairs_of]))


def measure(path: Path, texts: SmallModelTexts, threads: int | None) -> bool:
    """Print a model's rows, and tell whether every bar holds."""
    groups = {
        "STS-B": [*texts.held_out_pairs.first, *texts.held_out_pairs.second],
        "SST-2": texts.held_out_sentences.texts,
        "Cranfield": texts.held_out_abstracts,
    }

    def vectors(precision: str) -> dict[str, Floats]:
        model = bertie.load(
            path, task="embed", pooling="mean", precision=precision, threads=threads
        )
        return {name: model.embed(group) for name, group in groups.items()}

    expected = vectors("float32")
    exact = metric_of(path, texts, {"precision": "float32", "threads": threads})
    print(f"| {path.name} | float32 | | 1 | 1 | {exact:.2f} |", flush=True)
    kept = True
    for precision, bar in BARS.items():
        metric = metric_of(path, texts, {"precision": precision, "threads": threads})
        kept &= abs(metric - exact) <= bar.points
        for name, found in vectors(precision).items():
            alike = cosines(found, expected[name])
            mean, least = float(alike.mean()), float(alike.min())
            kept &= mean >= bar.mean and least >= bar.least
            print(f"| {path.name} | {precision} | {name} | {mean:.5f} | {least:.5f} | |")
        print(f"| {path.name} | {precision} | | | | {metric:.2f} |", flush=True)
    return kept


def main() -> int:
    """Measure, print a table, and tell whether every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, default=Path("build/small-models"))
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    warnings.simplefilter("ignore", bertie.TruncationWarning)
    found = sorted([*given.models.glob("*-sts"), *given.models.glob("*-sst2")])
    if not found:
        raise SystemExit(f"{given.models} has no models: run scripts/train_small_models.py")
    print("| model | precision | texts | cosine mean | least | metric, points |")
    print("| --- | --- | --- | --- | --- | --- |")
    texts = SmallModelTexts(given.data)
    kept = [measure(path, texts, given.threads) for path in found]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
