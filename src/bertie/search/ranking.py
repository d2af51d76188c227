"""Which rows of a matrix are closest to a vector."""

import numpy as np
from numpy.typing import NDArray


def cosine_scores(rows: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare a vector with every row of a matrix.

    Args:
        rows: (rows, dim) float32, each of length one or zero.
        query: (dim,) float32, of length one or zero.
    Returns: (rows,) float32, the cosines; equal rows have equal ones wherever they stand, which a
        BLAS product would not promise.
    """
    scores: NDArray[np.float32] = np.einsum("ij,j->i", rows, query)
    return scores


def top_k(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Give the positions of the k highest scores, best first, the earlier of equal ones first.

    Args:
        scores: (rows,) float32, finite.
        k: how many; all of them where there are fewer.
    """
    k = min(k, len(scores))
    if k <= 0:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= least)  # k, or more where the last place is shared
    order = np.argsort(-scores[candidates], kind="stable")
    return candidates[order[:k]]
