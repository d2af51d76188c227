"""The table that a checkpoint's index is: sorted keys and values in checksummed blocks.

From its end, a footer says where the block lies that lists the other blocks. In a block, each key
is what it shares with the one before and what it doesn't.

Source: LevelDB's doc/table_format.md, which TensorFlow's tables follow.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bertie._core import crc32c
from bertie.checkpoint.protobuf import varint
from bertie.checkpoint.tensorflow import snappy
from bertie.errors import CheckpointError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes: two places, padding, the magic number
_TRAILER = 5  # bytes after a block: how it is packed, and its checksum
_UNCOMPRESSED, _SNAPPY = 0, 1
# In bytes. The index of a large model with its optimizer's state has less than one megabyte.
_LARGEST = 64 * 2**20
# Keys share their beginnings, so together they may be longer than the file; never so much.
_LONGEST_KEYS = 16


def read_table(path: Path) -> dict[bytes, memoryview]:
    """Read a whole table.

    Args:
        path: the file.
    Returns: its values by key, in the keys' order.
    Raises: CheckpointError: it isn't a whole table, a block's checksum doesn't fit, or the keys
        aren't sorted.
    """
    where = path.name
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise CheckpointError(f"{where} has {size} bytes, expected at most {_LARGEST}")
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{where} can't be read: {error.strerror}") from error
    found: dict[bytes, memoryview] = {}
    reached = keys = 0
    last: bytes | None = None
    for _, handle in _entries(_block(data, *_index_handle(data, where), where), where):
        offset, length, _ = _block_handle(handle, 0, where)
        if offset < reached:
            raise CheckpointError(f"{where}: the block at byte {offset} overlaps the one before it")
        reached = offset + length + _TRAILER
        for key, value in _entries(_block(data, offset, length, where), where):
            keys += len(key)
            if last is not None and key <= last:
                raise CheckpointError(f"{where}: the key {key!r} comes after {last!r}")
            if keys > _LONGEST_KEYS * len(data):
                raise CheckpointError(f"{where}: the keys have more than {keys} bytes")
            found[key] = value
            last = key
    return found


def masked(checksum: int) -> int:
    """Turn a CRC-32C into the form in which TensorFlow stores it."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _index_handle(data: memoryview, where: str) -> tuple[int, int]:
    """Find the block that lists the others."""
    footer = data[-_FOOTER:]
    if len(footer) < _FOOTER or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise CheckpointError(
            f"{where} doesn't end as the index of a TensorFlow checkpoint does;"
            " it isn't one or isn't whole: fetch it again"
        )
    _, _, position = _block_handle(footer, 0, where)
    offset, length, _ = _block_handle(footer, position, where)
    return offset, length


def _block_handle(data: memoryview, position: int, where: str) -> tuple[int, int, int]:
    """Read a block's offset and length, and where the next thing begins."""
    offset, position = varint(data, position, where)
    length, position = varint(data, position, where)
    return offset, length, position


def _block(data: memoryview, offset: int, length: int, where: str) -> memoryview:
    """Check a block against its checksum and unpack it."""
    room = len(data) - _FOOTER
    if offset > room or length > room - offset - _TRAILER:
        raise CheckpointError(
            f"{where}: a block claims {length} bytes at byte {offset}, but the blocks have {room};"
            " the file isn't whole: fetch it again"
        )
    block = data[offset : offset + length]
    end = offset + length + _TRAILER
    stored = int.from_bytes(data[end - 4 : end], "little")
    if masked(crc32c(np.frombuffer(data[offset : end - 4], np.uint8))) != stored:
        raise CheckpointError(
            f"{where}: the block at byte {offset} fails its CRC-32C; fetch the file again"
        )
    kind = data[offset + length]
    if kind == _SNAPPY:
        return snappy.unpack(block, f"{where}: the block at byte {offset}")
    if kind != _UNCOMPRESSED:
        raise CheckpointError(
            f"{where}: the block at byte {offset} is packed in way {kind};"
            " supported: 0 (not at all) and 1 (snappy)"
        )
    return block


def _entries(block: memoryview, where: str) -> Iterator[tuple[bytes, memoryview]]:
    """Give a block's keys and values; the list of restarts at its end only helps searching."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise CheckpointError(f"{where}: a block of {len(block)} bytes claims {restarts} restarts")
    entries = block[:end]
    key, position = b"", 0
    while position < end:
        shared, position = varint(entries, position, where)
        rest, position = varint(entries, position, where)
        length, position = varint(entries, position, where)
        if shared > len(key) or rest + length > end - position:
            raise CheckpointError(
                f"{where}: an entry claims {shared} bytes of the key before, {rest} of its own and"
                f" a value of {length}; there are {len(key)}, and {end - position} in all"
            )
        key = key[:shared] + bytes(entries[position : position + rest])
        yield key, entries[position + rest : position + rest + length]
        position += rest + length
