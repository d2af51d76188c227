"""Metrics of numbers: how far predicted ones rise with gold ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bertie.errors import InputError
from bertie.evaluate.labels import require_alike


@dataclass(frozen=True)
class Correlations:
    """How two lists of numbers go together.

    Attributes:
        examples: how many pairs there are.
        pearson: the correlation of the numbers.
        spearman: the correlation of their ranks.
    """

    examples: int
    pearson: float
    spearman: float


def correlate(gold: Sequence[float], predicted: Sequence[float]) -> Correlations:
    """Correlate numbers.

    Args:
        gold: (examples,) numbers as they are.
        predicted: (examples,) numbers as a model gives them, on any scale.
    Returns: correlations from -1 to 1; NaN where all numbers of one list are equal, for then there
        is none.
    Raises: InputError: fewer than two pairs, lists of different lengths, or a number that is NaN or
        infinite.
    """
    require_alike(gold, predicted)
    if len(gold) < 2:
        raise InputError("1 pair of numbers, expected at least 2 to correlate")
    both = np.asarray(gold, np.float64), np.asarray(predicted, np.float64)
    if not (np.isfinite(both[0]).all() and np.isfinite(both[1]).all()):
        raise InputError("a number is NaN or infinite, expected none")
    return Correlations(len(gold), pearson(*both), pearson(*map(ranks, both)))


def pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's correlation of two lists of numbers; NaN where there is none."""
    first, second = _centred(one), _centred(other)
    if first is None or second is None:
        return float("nan")
    scale = np.sqrt((first * first).sum() * (second * second).sum())
    # Rounding may lead beyond the ends.
    return float(np.clip((first * second).sum() / scale, -1, 1))


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Take the mean off numbers and scale them to 1 at most, None where all of them are equal.

    Equal ones are compared as they are: their mean may be another number, by rounding.
    """
    if (values == values[0]).all():
        return None
    small = values / np.abs(values).max()  # so that no sum or square overflows
    centred = small - small.mean()
    scaled: NDArray[np.float64] = centred / np.abs(centred).max()
    return scaled


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Rank numbers from 1, equal ones by the mean of their ranks."""
    array = np.asarray(values)
    _, group, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: NDArray[np.float64] = last - (counts - 1) / 2
    return middle[group.reshape(-1)]
