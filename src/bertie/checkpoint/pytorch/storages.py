"""Tensors as a pickle describes them: a view of a storage, whose bytes lie elsewhere."""

import mmap
from dataclasses import dataclass
from reprlib import repr as shown

import numpy as np

from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError

_NOTHING = np.zeros(0, np.uint8)
_NOTHING.setflags(write=False)


@dataclass(frozen=True, slots=True)
class ElementType:
    """What the elements of a storage or a tensor are.

    Attributes:
        dtype: safetensors' word for the type.
        size: bytes of one element.
    """

    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class Storage:
    """Elements one after another in the file.

    Attributes:
        key: the storage's name in the file.
        type: of the elements.
        total: elements of the whole storage.
        first: the first element that this view of it has.
        count: the elements that this view has.
    """

    key: str
    type: ElementType
    total: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor over a storage.

    Attributes:
        storage: whose elements it has.
        type: of the elements, which may be another than the storage's.
        offset: elements of the tensor's type before its first.
        shape: the length of each axis.
        strides: elements from one index to the next of each axis.
    """

    storage: Storage
    type: ElementType
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def map_tensor(
    name: str, stored: StoredTensor, file: str, mapping: mmap.mmap, begin: int
) -> Tensor:
    """Give the tensor that a view of a storage is.

    Args:
        name: the tensor's.
        stored: the view.
        file: the file's name, for messages.
        mapping: the mapped file, in which the whole storage lies.
        begin: the storage's first byte in it.
    Raises: CheckpointError: the view reaches beyond the storage, or its axes run into each other,
        as they do where it has an element twice.
    """
    storage, size = stored.storage, stored.type.size
    first = storage.first * storage.type.size + stored.offset * size
    room = ((storage.first + storage.count) * storage.type.size - first) // size
    extent = _extent(stored)
    # An axis of stride 0 would make a few bytes be more elements than there is memory for.
    if extent is None or extent > max(room, 0):
        problem = "has axes that run into each other in" if extent is None else "doesn't fit"
        raise CheckpointError(
            f"{file}: tensor {name} of shape {shown(stored.shape)} and strides"
            f" {shown(stored.strides)} from element {stored.offset} on {problem} its storage"
            f" of {storage.count} elements; save it contiguous, or fetch the file again"
        )
    data = np.frombuffer(mapping, np.uint8, extent * size, begin + first) if extent else _NOTHING
    dtype, shape, strides = stored.type.dtype, stored.shape, _strides(stored)
    return Tensor(name, dtype, shape, data, file, mapping, begin + first, strides)


def _extent(stored: StoredTensor) -> int | None:
    """Count the elements from the first to the last; None where axes run into each other."""
    if 0 in stored.shape:
        return 0
    extent = 1
    for stride, length in sorted(zip(stored.strides, stored.shape, strict=True)):
        if length > 1 and stride < extent:
            return None
        extent += (length - 1) * stride
    return extent


def _strides(stored: StoredTensor) -> tuple[int, ...] | None:
    """Give strides, or None where the elements lie one after another."""
    dense = []
    step = 1
    for length in reversed(stored.shape):
        dense.append(step)
        step *= length
    dense.reverse()
    # An axis of length 1 may have any stride.
    pairs = zip(stored.shape, stored.strides, dense, strict=True)
    strides = [plain if length == 1 else stride for length, stride, plain in pairs]
    return None if 0 in stored.shape or strides == dense else tuple(strides)
