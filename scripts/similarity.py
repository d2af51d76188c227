"""The texts that models are compared on, and how vectors and rankings of them are compared."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Bar:
    """What must hold of a precision: cosines with float32, and the metric's distance in points."""

    mean: float
    least: float
    points: float


def cosines(a: Floats, b: Floats) -> Floats:
    """Compare row by row."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    products: Floats = (a * b).sum(axis=1) / lengths
    return products


def read_pairs(path: Path) -> tuple[list[str], list[str], Floats]:
    """Read STS-B's pairs and scores."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return [r[0] for r in rows], [r[1] for r in rows], np.array([float(r[2]) for r in rows])


def read_abstracts(path: Path) -> list[str]:
    """Read the abstracts (.W) of Cranfield's documents (.I)."""
    documents = path.read_text(encoding="utf-8").split("\n.W\n")[1:]
    texts = (" ".join(document.split("\n.I ")[0].split()) for document in documents)
    return [text for text in texts if text]


def spearman(x: Floats, y: Floats) -> float:
    """Correlate ranks; ties share their average rank."""
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def ranks(values: Floats) -> Floats:
    """Rank values, ties by their average."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    averaged: Floats = (ends - (counts - 1) / 2)[inverse]
    return averaged
