"""Unpacking snappy, which a table's blocks may be packed with.

Source: https://github.com/google/snappy/blob/main/format_description.txt.
"""

from bertie.checkpoint.protobuf import varint
from bertie.errors import CheckpointError

# Three bytes stand for at most 64, so nothing packed by snappy unpacks to more than this.
_LARGEST_RATIO = 22


def unpack(packed: memoryview, where: str) -> memoryview:
    """Unpack a block.

    Args:
        packed: snappy's raw format, without frames.
        where: what error messages call it.
    Raises: CheckpointError: it isn't whole, refers to what isn't there, or its size is another
        than it claims.
    """
    size, position = varint(packed, 0, where)
    if size > _LARGEST_RATIO * len(packed):
        raise CheckpointError(
            f"{where}: {len(packed)} bytes of snappy claim to be {size}, which they can't be"
        )
    out = bytearray()
    while position < len(packed):
        tag = packed[position]
        position += 1
        if tag & 3 == 0:
            length, position = _literal_length(packed, position, tag >> 2)
            if length > len(packed) - position:
                raise CheckpointError(f"{where}: snappy ends within {length} bytes of text")
            out += packed[position : position + length]
            position += length
        else:
            width = (1, 2, 4)[(tag & 3) - 1]
            offset = int.from_bytes(packed[position : position + width], "little")
            position += width
            length = (tag >> 2) + 1
            if width == 1:
                length = (tag >> 2 & 7) + 4
                offset |= tag >> 5 << 8
            if not 0 < offset <= len(out):
                raise CheckpointError(
                    f"{where}: snappy goes {offset} bytes back, but {len(out)} are there"
                )
            _repeat(out, offset, length)
        if len(out) > size:
            break
    if len(out) != size:
        raise CheckpointError(f"{where}: snappy gives {len(out)} bytes, expected {size}")
    return memoryview(bytes(out))


def _literal_length(packed: memoryview, position: int, code: int) -> tuple[int, int]:
    """Read how many bytes stand as they are: in the tag, or in the one to four bytes after it."""
    if code < 60:
        return code + 1, position
    width = code - 59
    return int.from_bytes(packed[position : position + width], "little") + 1, position + width


def _repeat(out: bytearray, offset: int, length: int) -> None:
    """Append what lies some bytes back; where that is less than the length, again and again."""
    start = len(out) - offset
    piece = out[start : start + length]
    out += (piece * (-(-length // len(piece))))[:length]
