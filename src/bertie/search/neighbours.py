"""Every vector against every other, exactly, some rows at a time."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_BLOCK = 2048  # rows compared at a time: 16 MB of cosines
_SLACK = 1e-4  # what a float32 product may be off, far more than it is

Progress = Callable[[int, int], None]


def nearest_neighbours(
    vectors: Floats, indices: Indices, progress: Progress = lambda done, of: None
) -> tuple[Floats, Indices]:
    """Find for some rows the row that is nearest to each beside itself.

    Args:
        vectors: (rows, dim) float32, of length 1 or 0; at least two.
        indices: (some,) rows.
        progress: called with rows done, and those there are.
    Returns: (some,) float32 cosines, and (some,) the rows that they belong to.
    """
    best = np.full(len(indices), -np.inf, np.float32)
    neighbours = np.zeros(len(indices), np.int64)
    for first in range(0, len(indices), _BLOCK):
        some = indices[first : first + _BLOCK]
        span = slice(first, first + len(some))
        for start in range(0, len(vectors), _BLOCK):
            cosines = vectors[some] @ vectors[start : start + _BLOCK].T
            own = np.flatnonzero((some >= start) & (some < start + _BLOCK))
            cosines[own, some[own] - start] = -np.inf
            nearest = cosines.argmax(axis=1)
            found = cosines[np.arange(len(some)), nearest]
            better = found > best[span]
            best[span] = np.where(better, found, best[span])
            neighbours[span] = np.where(better, nearest + start, neighbours[span])
        progress(min(first + _BLOCK, len(indices)), len(indices))
    return best, neighbours


def near_pairs(
    vectors: Floats, threshold: float, progress: Progress = lambda done, of: None
) -> Iterator[tuple[int, int, float]]:
    """Find all pairs of rows whose cosine is at least a threshold.

    Args:
        vectors: (rows, dim) float32, of length 1 or 0.
        threshold: above 0, at most 1.
        progress: called with rows done, and those there are.
    Returns: an iterator over the earlier row, the later row and their cosine, which is computed
        once more in float64 for each pair that a float32 product brings near the threshold.
    Raises: InputError: a threshold out of its range.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold is {threshold}, expected a cosine above 0, at most 1")
    # Vectors of float32 are as long as 1 but for some 1e-7, and identical ones belong together.
    least = min(threshold, 1 - 1e-6)
    for first in range(0, len(vectors), _BLOCK):
        rows = vectors[first : first + _BLOCK]
        for start in range(first, len(vectors), _BLOCK):
            near = np.argwhere(rows @ vectors[start : start + _BLOCK].T >= least - _SLACK)
            ours, theirs = near[:, 0] + first, near[:, 1] + start
            ours, theirs = ours[ours < theirs], theirs[ours < theirs]
            for begin in range(0, len(ours), _BLOCK):
                one, two = ours[begin : begin + _BLOCK], theirs[begin : begin + _BLOCK]
                cosines = np.einsum(
                    "nd,nd->n", vectors[one].astype(np.float64), vectors[two].astype(np.float64)
                )
                true = cosines >= least
                yield from zip(
                    one[true].tolist(), two[true].tolist(), cosines[true].tolist(), strict=True
                )
        progress(min(first + _BLOCK, len(vectors)), len(vectors))
