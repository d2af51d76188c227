"""Projections: vectors laid out in two dimensions."""

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bertie.errors import ExtraMissing, InputError

Floats = NDArray[np.float32]


def pca(vectors: Floats) -> Floats:
    """Lay vectors out by the two directions in which they differ most.

    Args:
        vectors: (rows, dim) float32.
    Returns: (rows, 2) float32, each direction's sign such that its largest weight is positive.
    """
    if len(vectors) == 0:
        return np.empty((0, 2), np.float32)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    best = directions[:, ::-1][:, :2]
    best = np.pad(best, ((0, 0), (0, 2 - best.shape[1])))
    signs = np.sign(best[np.abs(best).argmax(axis=0), np.arange(2)])
    found: Floats = (centred @ (best * signs)).astype(np.float32)
    return found


def umap(vectors: Floats) -> Floats:
    """Lay vectors out so that neighbours stay neighbours (McInnes et al., arXiv:1802.03426).

    Args, Returns: as pca.
    Raises: ExtraMissing: umap-learn isn't installed.
    """
    if importlib.util.find_spec("umap") is None:
        raise ExtraMissing("this layout needs umap-learn: pip install umap-learn, or take pca")
    if len(vectors) < 5:  # which is fewer than it takes
        return pca(vectors)
    from umap import UMAP

    neighbours = min(15, len(vectors) - 1)
    # A seed gives the same picture each time, and allows one thread alone.
    layout = UMAP(n_neighbors=neighbours, metric="cosine", random_state=0, n_jobs=1)
    return np.asarray(layout.fit_transform(vectors), np.float32)


METHODS: dict[str, Callable[[Floats], Floats]] = {"pca": pca, "umap": umap}


def project(vectors: Floats, method: str = "auto") -> tuple[Floats, str]:
    """Lay vectors out.

    Args:
        vectors: (rows, dim) float32.
        method: "pca", "umap", or "auto" for umap where it is installed.
    Returns: (rows, 2) float32, and the method.
    Raises: InputError: another method. ExtraMissing: umap-learn isn't installed.
    """
    if method == "auto":
        method = "umap" if importlib.util.find_spec("umap") is not None else "pca"
    if method not in METHODS:
        raise InputError(f"method is {method!r}, expected auto, {', '.join(METHODS)}")
    return METHODS[method](vectors), method
