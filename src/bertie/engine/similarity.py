"""How alike vectors are: pure functions, larger for what is more alike."""

from collections.abc import Callable, Mapping
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.engine.pooling import normalize
from bertie.errors import InputError

Floats = NDArray[np.float32]

# Rows that are compared at a time where each difference stands in memory.
_ROWS = 64


def _dot(a: Floats, b: Floats) -> Floats:
    return a @ b.T


def _cosine(a: Floats, b: Floats) -> Floats:
    return normalize(a) @ normalize(b).T


def _by_difference(a: Floats, b: Floats, measure: Callable[[Floats], Floats]) -> Floats:
    """Measure the difference of each pair, some rows at a time."""
    found = np.empty((len(a), len(b)), np.float32)
    for first in range(0, len(a), _ROWS):
        rows = slice(first, first + _ROWS)
        found[rows] = measure(a[rows, None, :] - b[None, :, :])
    return found


def _euclid_of(difference: Floats) -> Floats:
    found: Floats = -np.sqrt(np.square(difference).sum(axis=-1))
    return found


def _manhattan_of(difference: Floats) -> Floats:
    found: Floats = -np.abs(difference).sum(axis=-1)
    return found


# Two matrices (rows, dim) and (columns, dim) to (rows, columns).
SIMILARITIES: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclid": lambda a, b: _by_difference(a, b, _euclid_of),
    "manhattan": lambda a, b: _by_difference(a, b, _manhattan_of),
}
_PAIRWISE: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "cosine": lambda a, b: (normalize(a) * normalize(b)).sum(axis=-1),
    "dot": lambda a, b: (a * b).sum(axis=-1),
    "euclid": lambda a, b: _euclid_of(a - b),
    "manhattan": lambda a, b: _manhattan_of(a - b),
}


def similarity(a: Floats, b: Floats, by: str = "cosine") -> Floats:
    """Compare every vector of one set with every vector of another.

    Args:
        a: (rows, dim) float32, or one vector (dim,).
        b: (columns, dim) float32, or one vector.
        by: cosine, dot, or the negative distance euclid or manhattan.
    Returns: (rows, columns) float32. Its last bits may depend on the shapes.
    Raises: InputError: vectors of unlike widths; another measure.
    """
    a, b = _matrices(a, b, by)
    return SIMILARITIES[by](a, b)


def pairwise(a: Floats, b: Floats, by: str = "cosine") -> Floats:
    """Compare the vectors of two sets one by one.

    Args:
        a, b: (rows, dim) float32, or one vector each.
        by: as for similarity.
    Returns: (rows,) float32.
    Raises: InputError: as similarity; sets of unlike sizes.
    """
    a, b = _matrices(a, b, by)
    if len(a) != len(b):
        raise InputError(f"a has {len(a)} vectors and b {len(b)}, expected as many")
    return _PAIRWISE[by](a, b)


def _matrix(name: str, vectors: Any) -> Floats:
    """Take vectors that are numbers; texts of digits aren't, nor truths."""
    try:
        found = np.asarray(vectors)
    except ValueError:
        raise InputError(f"{name} is {shown(vectors)}, expected vectors of one width") from None
    if found.dtype.kind not in "fiu":
        raise InputError(f"{name} is {shown(vectors)}, expected vectors of numbers")
    matrix: Floats = np.atleast_2d(found.astype(np.float32, copy=False))
    return matrix


def _matrices(a: Floats, b: Floats, by: str) -> tuple[Floats, Floats]:
    """Check what is compared."""
    if by not in tuple(SIMILARITIES):
        raise InputError(f"by is {shown(by)}, expected one of {', '.join(SIMILARITIES)}")
    first, second = (_matrix(name, vectors) for name, vectors in (("a", a), ("b", b)))
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise InputError(
            f"a is {np.shape(a)} and b is {np.shape(b)}, expected vectors of one width"
        )
    return first, second
