"""Weights that are no numbers, found before anything is computed with them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError

# The exponent bits of types whose numbers have 16; all of them set is NaN or infinite.
_EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80}
# The most tensors that a message names.
_LISTED = 5


def require_finite(tensors: Iterable[Tensor]) -> None:
    """Refuse tensors with NaN or infinite values.

    Raises: CheckpointError: naming them.
    """
    broken = [tensor for tensor in tensors if not _is_finite(tensor)]
    if broken:
        lines = "; ".join(
            f"tensor {tensor.name} has {_count_not_finite(tensor)} of {tensor.float32().size}"
            for tensor in broken[:_LISTED]
        )
        more = f"; and {len(broken) - _LISTED} more tensors" if len(broken) > _LISTED else ""
        raise CheckpointError(
            f"{broken[0].file}: values that are NaN or infinite as float32: {lines}{more};"
            " expected none: fetch the model again, or train it anew if it was saved like this"
        )


def _is_finite(tensor: Tensor) -> bool:
    """Tell whether all values are finite, in one pass at the memory's speed."""
    mask = _EXPONENTS.get(tensor.dtype)
    if mask is not None:
        bits = tensor.data.view("<u2")
        if not bool(((bits & mask) == mask).any()):
            return True
        # Between the elements of a tensor with strides lie those of others.
        return tensor.strides is not None and _count_not_finite(tensor) == 0
    values = tensor.float32().reshape(-1)
    # A sum of squares is finite only if all of them are; large values may overflow it, too.
    with np.errstate(all="ignore"):
        squares = np.dot(values, values)
    return bool(np.isfinite(squares)) or _count_not_finite(tensor) == 0


def _count_not_finite(tensor: Tensor) -> int:
    """Count the values that are NaN or infinite."""
    values: NDArray[np.float32] = tensor.float32()
    return int(values.size - np.count_nonzero(np.isfinite(values)))
