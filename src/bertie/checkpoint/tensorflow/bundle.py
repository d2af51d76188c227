"""TensorFlow's tensor bundle: an index of names, shapes and places, and shards of data.

Source: TensorFlow's tensor_bundle.proto, tensor_shape.proto and types.proto.
"""

import mmap
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertie._core import crc32c
from bertie.checkpoint.protobuf import Message
from bertie.checkpoint.tensor import DTYPE_BITS, Tensor
from bertie.checkpoint.tensorflow.table import masked, read_table
from bertie.errors import CheckpointError

# TensorFlow's number of a type → safetensors' word for it.
_DTYPES: Mapping[int, str] = {
    1: "F32",
    2: "F64",
    3: "I32",
    4: "U8",
    5: "I16",
    6: "I8",
    8: "C64",
    9: "I64",
    10: "BOOL",
    14: "BF16",
    17: "U16",
    19: "F16",
    22: "U32",
    23: "U64",
    24: "F8_E5M2",
    25: "F8_E4M3",
}
# Strings, handles of resources and variants: none of them holds numbers.
_NO_NUMBERS = (7, 20, 21)
_LITTLE_ENDIAN = 0
# The oldest reader that may read what this module reads.
_VERSION = 1
_HEADER = b""
# What begins the keys of parts of tensors; the tensor itself lists them.
_PART = b"\0"
_LARGEST = 2**63 - 1
_MOST_AXES = 254  # TensorFlow's own limit


@dataclass(frozen=True)
class Entry:
    """What an index says of one tensor.

    Attributes:
        name: as the file calls it.
        dtype: safetensors' word for the type.
        shape: the length of each axis.
        shard: the number of the file of its data.
        offset: bytes before its data.
        size: bytes of its data.
        checksum: the masked CRC-32C of its data.
        parts: how many parts the tensor is stored in; 0 for one that is whole.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    parts: int


@dataclass(frozen=True)
class Bundle:
    """An index: the tensors by name, in the names' order.

    Attributes:
        index: its file, whose name but for .index begins the names of the shards.
        shards: how many files hold the data.
        entries: what it says of each tensor.
    """

    index: Path
    shards: int
    entries: Mapping[str, Entry]

    @classmethod
    def read(cls, index: Path) -> "Bundle":
        """Read an index.

        Raises: CheckpointError: it is broken, big-endian, or of a later version.
        """
        table = read_table(index)
        where = index.name
        if _HEADER not in table:
            raise CheckpointError(
                f"{where} has no header; a table, but not the index of a checkpoint"
            )
        header = Message(table.pop(_HEADER), f"{where}: the header")
        shards = _check_header(header, where)
        entries = {}
        for key, value in table.items():
            if not key.startswith(_PART):
                entry = _entry(key, value, shards, where)
                if entry is not None:
                    entries[entry.name] = entry
        return cls(index, shards, entries)

    def tensors(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Map tensors, and check the data of each against its checksum.

        Args:
            names: of entries.
        Returns: the tensors by name.
        Raises: CheckpointError: a shard is missing or too short, two tensors share data, a
            checksum doesn't fit, or a tensor is stored in parts.
        """
        wanted = [self.entries[name] for name in names]
        for entry in wanted:
            if entry.parts:
                raise CheckpointError(
                    f"{self.index.name}: tensor {entry.name} is stored in {entry.parts} parts (a"
                    " partitioned variable), expected whole: save it without a partitioner"
                )
        shards = {number: self._map(number) for number in sorted({e.shard for e in wanted})}
        found: dict[str, Tensor] = {}
        reached: dict[int, int] = {}
        for entry in sorted(wanted, key=lambda entry: (entry.shard, entry.offset, entry.size)):
            path, mapping, data = shards[entry.shard]
            if entry.offset < reached.get(entry.shard, 0):
                raise CheckpointError(
                    f"{self.index.name}: tensor {entry.name} begins at byte {entry.offset} of"
                    f" {path.name} and overlaps the one before it"
                )
            reached[entry.shard] = entry.offset + entry.size
            found[entry.name] = _tensor(entry, path, mapping, data)
        return {entry.name: found[entry.name] for entry in wanted}

    def _map(self, number: int) -> tuple[Path, mmap.mmap | None, NDArray[np.uint8]]:
        """Map a shard."""
        path = shard_path(self.index, number, self.shards)
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    return path, None, np.zeros(0, np.uint8)
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise CheckpointError(
                f"{self.index.name} names {path.name}, but {path.parent} has no such file;"
                " copy the checkpoint again"
            ) from None
        except OSError as error:
            raise CheckpointError(f"{path.name} can't be read: {error.strerror}") from error
        return path, mapping, np.frombuffer(mapping, np.uint8)


def shard_path(index: Path, number: int, shards: int) -> Path:
    """Name the file of a shard."""
    return index.with_name(f"{index.name.removesuffix('.index')}.data-{number:05}-of-{shards:05}")


def _check_header(header: Message, where: str) -> int:
    """Check that this reader may read the bundle, and give the number of its shards."""
    if header.number(2) != _LITTLE_ENDIAN:
        raise CheckpointError(
            f"{where} was written on a big-endian machine; supported: little-endian"
        )
    oldest = header.message(3).signed(2)
    if oldest > _VERSION:
        raise CheckpointError(
            f"{where} is of a version that readers before {oldest} don't know;"
            f" supported: {_VERSION}"
        )
    shards = header.signed(1)
    if not 0 < shards <= 99_999:
        raise CheckpointError(f"{where} claims {shards} shards, expected 1 to 99999")
    return shards


def _entry(key: bytes, value: memoryview, shards: int, where: str) -> Entry | None:
    """Read what the index says of one tensor; of what holds no numbers, nothing."""
    try:
        name = key.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name.isprintable() or not name:
        raise CheckpointError(f"{where}: the name {key[:80]!r} can't be printed")
    where = f"{where}: tensor {name}"
    message = Message(value, where)
    kind = message.number(1)
    if kind in _NO_NUMBERS:
        return None
    entry = Entry(
        name,
        _DTYPES.get(kind, f"of TensorFlow's type {kind}"),
        _shape(message.message(2), where),
        message.signed(3),
        message.signed(4),
        message.signed(5),
        message.number(6),
        sum(1 for _ in message.every(7)),
    )
    if entry.parts:
        return entry
    if not 0 <= entry.shard < shards or entry.offset < 0 or entry.size < 0:
        raise CheckpointError(
            f"{where} has {entry.size} bytes at byte {entry.offset} of shard {entry.shard},"
            f" expected one of the {shards} shards and a place in it"
        )
    elements = prod(entry.shape)
    bits = elements * DTYPE_BITS[entry.dtype] if entry.dtype in DTYPE_BITS else entry.size * 8
    if elements > _LARGEST or bits != entry.size * 8:
        raise CheckpointError(
            f"{where}: {entry.dtype} of shape {entry.shape} takes {bits} bits,"
            f" but its data has {entry.size * 8}"
        )
    return entry


def _shape(message: Message, where: str) -> tuple[int, ...]:
    """Read the lengths of a tensor's axes."""
    lengths: list[int] = []
    for axis in message.messages(2):
        length = axis.signed(1)
        if length < 0:
            raise CheckpointError(f"{where} has an axis of length {length}")
        lengths.append(length)
        if len(lengths) > _MOST_AXES:
            raise CheckpointError(f"{where} has more than {_MOST_AXES} axes")
    return tuple(lengths)


def _tensor(entry: Entry, path: Path, mapping: mmap.mmap | None, data: NDArray[np.uint8]) -> Tensor:
    """Take a tensor out of its shard and check its data."""
    end = entry.offset + entry.size
    if end > data.size:
        raise CheckpointError(
            f"{path.name} has {data.size} bytes, but tensor {entry.name} ends at byte {end};"
            " the file isn't whole: fetch it again"
        )
    part = data[entry.offset : end]
    if masked(crc32c(part)) != entry.checksum:
        raise CheckpointError(
            f"{path.name}: the data of tensor {entry.name} fails its CRC-32C; fetch the file again"
        )
    return Tensor(entry.name, entry.dtype, entry.shape, part, path.name, mapping, entry.offset)
