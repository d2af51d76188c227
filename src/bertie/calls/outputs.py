"""Vectors in fewer bytes: half floats, bytes and bits."""

from collections.abc import Callable, Mapping
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Floats = NDArray[np.float32]

_STEPS = 255  # between the least and the largest of 256 bytes


def _steps(vectors: Floats, ranges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count the steps of each value from the least of its dimension, within the range."""
    least, most = ranges
    steps: NDArray[np.float64] = np.clip((vectors - least) / ((most - least) / _STEPS), 0, _STEPS)
    return steps


def _float16(vectors: Floats, _: Any) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return vectors.astype(np.float16)


def _uint8(vectors: Floats, ranges: Any) -> NDArray[Any]:
    return _steps(vectors, ranges).astype(np.uint8)


def _int8(vectors: Floats, ranges: Any) -> NDArray[Any]:
    return (_steps(vectors, ranges) - 128).astype(np.int8)


def _ubinary(vectors: Floats, _: Any) -> NDArray[Any]:
    return np.packbits(vectors > 0, axis=-1)


def _binary(vectors: Floats, _: Any) -> NDArray[Any]:
    return (np.packbits(vectors > 0, axis=-1).astype(np.int16) - 128).astype(np.int8)


# Vectors and ranges to what is given out: as sentence-transformers' quantize_embeddings does, but
# that a value beyond its range becomes the end of it instead of wrapping round.
OUTPUTS: Mapping[str, Callable[[Floats, Any], NDArray[Any]]] = {
    "float32": lambda vectors, _: vectors,
    "float16": _float16,
    "int8": _int8,
    "uint8": _uint8,
    "binary": _binary,
    "ubinary": _ubinary,
}
_RANGED = ("int8", "uint8")


def converter(output: str, ranges: Any, dimensions: int) -> Callable[[Floats], NDArray[Any]]:
    """Make what converts vectors.

    Args:
        output: a key of OUTPUTS.
        ranges: (2, dimensions) for bytes, else anything.
        dimensions: floats in a vector.
    Raises: InputError: another output; bytes without ranges, or with ranges of another width; bits
        of vectors that don't fill whole bytes.
    """
    if output not in tuple(OUTPUTS):
        raise InputError(f"output is {shown(output)}, expected one of {', '.join(OUTPUTS)}")
    if output.endswith("binary") and dimensions % 8:
        raise InputError(
            f"output is {output}, but {dimensions} dimensions don't fill whole bytes: expected a"
            " multiple of 8"
        )
    if output not in _RANGED:
        return lambda vectors: OUTPUTS[output](vectors, None)
    if ranges is None:
        raise InputError(
            f"output is {output}, which needs the range of each dimension: find them once by"
            " ranges() on texts of the kind to be read, and give them to load or to this call"
        )
    known = np.asarray(ranges, np.float64)
    if known.shape != (2, dimensions) or not (known[0] < known[1]).all():
        raise InputError(
            f"ranges has the shape {known.shape}, expected (2, {dimensions}): each dimension's"
            " least value, and a larger one"
        )
    return lambda vectors: OUTPUTS[output](vectors, known)
