"""Reading safetensors: the header checked, the data mapped.

A file is eight bytes of little-endian length, a JSON header of that length, and the tensors' bytes
one after another without gaps. Nothing is allocated by what the header claims: the claims are
compared with the file's size first.
"""

import json
import mmap
import os
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.checkpoint.tensor import DTYPE_BITS, Tensor, can_be
from bertie.errors import CheckpointError

_PREFIX = 8
# The format's own limit, in bytes; a header of a large model has less than one megabyte.
_LONGEST_HEADER = 100_000_000
_LARGEST = 2**63 - 1


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Map one safetensors file.

    Args:
        path: the file.
    Returns: its tensors by the file's own names, in the order of their data.
    Raises: CheckpointError: the file isn't whole, well-formed safetensors.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = _PREFIX + _header_length(path.name, file.read(_PREFIX), size)
            header = _parse(path.name, file.read(start - _PREFIX))
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise CheckpointError(f"{path.name} can't be read: {error.strerror}") from error
    data = np.frombuffer(mapped, np.uint8, offset=start) if size > start else np.zeros(0, np.uint8)
    tensors = {}
    for name, dtype, shape, begin, end in _layout(path.name, header, size - start):
        part = data[begin:end]
        tensors[name] = Tensor(name, dtype, shape, part, path.name, mapped, start + begin)
    return tensors


def _header_length(where: str, prefix: bytes, size: int) -> int:
    """Read the header's length and compare it with the file's."""
    if len(prefix) < _PREFIX:
        raise CheckpointError(
            f"{where} has {size} bytes, too few for safetensors; fetch the file again"
        )
    length = int.from_bytes(prefix, "little")
    if length > min(size - _PREFIX, _LONGEST_HEADER):
        raise CheckpointError(
            f"{where}: the header claims {length} bytes, but the file has {size - _PREFIX} after"
            f" its length (and {_LONGEST_HEADER} is the most allowed);"
            " it isn't safetensors or isn't whole: fetch it again"
        )
    return length


def _parse(where: str, header: bytes) -> dict[str, Any]:
    """Parse the header's JSON; a key that comes twice is an error."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise CheckpointError(f"{where}: the header has {shown(key)} twice")
            found[key] = value
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a JSON value")

    try:
        parsed = json.loads(header.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where}: the header is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{where}: the header is {shown(parsed)}, expected a JSON object")
    return parsed


def _layout(
    where: str, header: Mapping[str, Any], size: int
) -> Iterator[tuple[str, str, tuple[int, ...], int, int]]:
    """Check every entry and give name, type, shape, first byte and end, ordered by their data."""
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError(f"{where}: __metadata__ is {shown(metadata)}, expected texts by name")
    entries = [
        (name, *_entry(f"{where}: tensor {name}", entry, size))
        for name, entry in header.items()
        if name != "__metadata__"
    ]
    reached, before = 0, "the header"
    for name, dtype, shape, begin, end in sorted(entries, key=lambda entry: entry[3:]):
        if begin != reached:
            problem = "overlaps" if begin < reached else "leaves a gap after"
            raise CheckpointError(
                f"{where}: tensor {name} starts at byte {begin} and {problem} {before},"
                f" which ends at {reached}"
            )
        yield name, dtype, shape, begin, end
        reached, before = end, name
    if reached != size:
        raise CheckpointError(
            f"{where}: the tensors end at byte {reached} of the data, but it has {size};"
            " the file isn't whole: fetch it again"
        )


def _entry(where: str, entry: Any, size: int) -> tuple[str, tuple[int, ...], int, int]:
    """Check one tensor's type, shape and place against each other and the size of the data."""
    if not where.isprintable():
        raise CheckpointError(f"{where!a}: the name has characters that can't be printed")
    if not isinstance(entry, dict):
        raise CheckpointError(f"{where} is {shown(entry)}, expected a JSON object")
    dtype: Any = entry.get("dtype")
    shape: Any = entry.get("shape")
    offsets: Any = entry.get("data_offsets")
    if not isinstance(dtype, str):
        raise CheckpointError(f"{where}: dtype is {shown(dtype)}, expected a name such as F32")
    if not _are_sizes(shape):
        raise CheckpointError(f"{where}: shape is {shown(shape)}, expected whole numbers")
    if not _are_sizes(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= size:
        raise CheckpointError(
            f"{where}: data_offsets is {shown(offsets)},"
            f" expected a start and an end within the {size} bytes of data"
        )
    begin, end = offsets
    if not can_be(shape):
        raise CheckpointError(f"{where}: shape {shown(shape)} overflows")
    elements = prod(shape)
    # A type of a later format is nobody's fault before the tensor is used.
    bits = elements * DTYPE_BITS[dtype] if dtype in DTYPE_BITS else (end - begin) * 8
    if bits != (end - begin) * 8:
        raise CheckpointError(
            f"{where}: {dtype} of shape {shown(tuple(shape))} takes {bits} bits,"
            f" but data_offsets span {(end - begin) * 8}"
        )
    return dtype, tuple(shape), begin, end


def _are_sizes(value: Any) -> bool:
    """Tell whether a JSON value is a list of numbers that count something."""
    return isinstance(value, list) and all(
        type(number) is int and 0 <= number <= _LARGEST for number in value
    )
