"""The zip archives that torch.save writes: entries as they are, each with its CRC-32.

Only what torch writes is read: one disk, no compression, no encryption, no comment at the end.
The directory is compared with the file before anything is made of it, and the entries' bytes are
left where they lie.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from reprlib import repr as shown

from bertie.errors import CheckpointError

SIGNATURE = b"PK\x03\x04"
_END_RECORD = struct.Struct("<4s4H2IH")
_ZIP64_LOCATOR = struct.Struct("<4sIQI")
_ZIP64_END_RECORD = struct.Struct("<4sQ2H2I4Q")
_CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
# A number of 32 bits that doesn't fit says so, and stands elsewhere in 64.
_IN_ZIP64 = 2**32 - 1
_ZIP64_FIELD = 1
_ENCRYPTED = 1
# More than the largest model has tensors; each takes some hundred bytes of memory.
_MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the archive.

    Attributes:
        begin: its first byte in the archive.
        size: in bytes.
        crc: the CRC-32 of its bytes.
    """

    begin: int
    size: int
    crc: int


def read_directory(mapping: mmap.mmap, where: str) -> dict[str, Entry]:
    """List a zip archive's entries.

    Args:
        mapping: the whole archive.
        where: what messages call it.
    Returns: the entries by name.
    Raises: CheckpointError: it isn't whole, or has what torch doesn't write.
    """
    try:
        entries = dict(_entries(mapping, where))
    except struct.error as error:
        raise _broken(where, "a part of its directory reaches beyond the end") from error
    # Entries that share bytes would make a small archive cost the time of a large one.
    if sum(entry.size for entry in entries.values()) > len(mapping):
        raise _broken(where, "its entries have more bytes than the file")
    return entries


def require_intact(mapping: mmap.mmap, entry: Entry, where: str) -> memoryview:
    """Compare an entry with its CRC-32, and give its bytes.

    Raises: CheckpointError: they differ.
    """
    data = memoryview(mapping)[entry.begin : entry.begin + entry.size]
    if zlib.crc32(data) != entry.crc:
        raise CheckpointError(f"{where} differs from its CRC-32; fetch the file again")
    return data


def _entries(mapping: mmap.mmap, where: str) -> Iterator[tuple[str, Entry]]:
    """Walk through the directory."""
    count, begin, end = _directory(mapping, where)
    if count > _MOST_ENTRIES:
        raise _broken(where, f"it has {count} entries, expected at most {_MOST_ENTRIES}")
    seen = set()
    for _ in range(count):
        fields = _CENTRAL_HEADER.unpack_from(mapping, begin)
        signature, flags, method, crc, stored, size = (fields[i] for i in (0, 3, 4, 7, 8, 9))
        name_length, extra_length, comment_length, offset = (*fields[10:13], fields[16])
        begin += _CENTRAL_HEADER.size
        after = begin + name_length + extra_length + comment_length
        if signature != b"PK\x01\x02" or after > end:
            raise _broken(where, "its directory isn't where it should be")
        raw = mapping[begin : begin + name_length]
        name = _decode(raw, where)
        extra = mapping[begin + name_length : begin + name_length + extra_length]
        size, stored, offset = _zip64_fields(extra, size, stored, offset)
        if method or flags & _ENCRYPTED or size != stored:
            raise CheckpointError(
                f"{where}: entry {shown(name)} is compressed or encrypted, which torch.save"
                " doesn't do: save the model again"
            )
        if name in seen:
            raise _broken(where, f"it has entry {shown(name)} twice")
        seen.add(name)
        yield name, Entry(_data_begin(mapping, where, raw, offset, size), size, crc)
        begin = after


def _directory(mapping: mmap.mmap, where: str) -> tuple[int, int, int]:
    """Find the directory: its number of entries, first byte and end."""
    last = len(mapping) - _END_RECORD.size
    if last < 0:
        raise _broken(where, "it is too short")
    signature, _, _, here, count, size, begin, comment = _END_RECORD.unpack_from(mapping, last)
    if signature != b"PK\x05\x06" or comment:
        raise _broken(where, "its end is missing")
    end = last
    if here == 2**16 - 1 or _IN_ZIP64 in (size, begin):
        end, here, count, size, begin = _zip64_directory(mapping, where, last)
    if here != count or begin + size > end:
        raise _broken(where, "its directory isn't where it should be")
    return count, begin, begin + size


def _zip64_directory(mapping: mmap.mmap, where: str, last: int) -> tuple[int, int, int, int, int]:
    """Read the end in 64 bits: where it stands, both counts, the directory's size and place."""
    if last < _ZIP64_LOCATOR.size:
        raise _broken(where, "its end is missing")
    signature, _, end, _ = _ZIP64_LOCATOR.unpack_from(mapping, last - _ZIP64_LOCATOR.size)
    if signature != b"PK\x06\x07" or end > last:
        raise _broken(where, "its end is missing")
    signature, *_, here, count, size, begin = _ZIP64_END_RECORD.unpack_from(mapping, end)
    if signature != b"PK\x06\x06":
        raise _broken(where, "its end is missing")
    return end, here, count, size, begin


def _zip64_fields(extra: bytes, *values: int) -> list[int]:
    """Replace numbers that didn't fit 32 bits by those of 64 in the extra fields."""
    longer: list[int] = []
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64_FIELD:
            longer = list(struct.unpack_from(f"<{length // 8}Q", extra, 4))
        extra = extra[4 + length :]
    return [longer.pop(0) if value == _IN_ZIP64 and longer else value for value in values]


def _data_begin(mapping: mmap.mmap, where: str, name: bytes, offset: int, size: int) -> int:
    """Find an entry's bytes behind its own header, which must bear its name."""
    if offset > len(mapping):
        raise _broken(where, f"entry {shown(name)} is beyond the end")
    signature, *_, name_length, extra_length = _LOCAL_HEADER.unpack_from(mapping, offset)
    begin: int = offset + _LOCAL_HEADER.size + name_length + extra_length
    named = mapping[offset + _LOCAL_HEADER.size : offset + _LOCAL_HEADER.size + name_length]
    if signature != SIGNATURE or named != name or begin + size > len(mapping):
        raise _broken(where, f"entry {shown(name)} isn't where its directory says")
    return begin


def _decode(name: bytes, where: str) -> str:
    """Decode an entry's name."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(where, f"the name {shown(name)} isn't UTF-8") from error


def _broken(where: str, reason: str) -> CheckpointError:
    """Say that the archive is broken."""
    return CheckpointError(f"{where} is not a whole zip archive: {reason}; fetch it again")
