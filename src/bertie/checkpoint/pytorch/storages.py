"""Tensors as a pickle describes them: a view of a storage, whose bytes lie elsewhere."""

import mmap
from dataclasses import dataclass
from math import prod
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


def place(name: str, stored: StoredTensor, file: str, mapping: mmap.mmap, begin: int) -> Tensor:
    """Give the tensor that a view of a storage is.

    Args:
        name: the tensor's.
        stored: the view.
        file: the file's name, for messages.
        mapping: the mapped file, in which the whole storage lies.
        begin: the storage's first byte in it.
    Raises: CheckpointError: the view reaches beyond the storage, or has more elements than it.
    """
    storage, size = stored.storage, stored.type.size
    first = storage.first * storage.type.size + stored.offset * size
    room = ((storage.first + storage.count) * storage.type.size - first) // size
    elements = prod(stored.shape)
    reach = 1 if elements else 0
    for length, stride in zip(stored.shape, stored.strides, strict=True):
        reach += (length - 1) * stride if elements else 0
    # With strides of 0, a few bytes may claim to be more elements than there is memory for.
    if max(elements, reach) > max(room, 0):
        raise CheckpointError(
            f"{file}: tensor {name} of shape {shown(stored.shape)} and strides"
            f" {shown(stored.strides)} from element {stored.offset} on doesn't fit its storage"
            f" of {storage.count} elements; fetch the file again"
        )
    data = np.frombuffer(mapping, np.uint8, reach * size, begin + first) if reach else _NOTHING
    dtype, shape, strides = stored.type.dtype, stored.shape, _strides(stored, elements)
    return Tensor(name, dtype, shape, data, file, mapping, begin + first, strides)


def _strides(stored: StoredTensor, elements: int) -> tuple[int, ...] | None:
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
    return None if elements == 0 or strides == dense else tuple(strides)
