"""Zip archives as torch writes them are listed; all others are refused."""

import io
import mmap
import zipfile
from pathlib import Path

import pytest

from bertie.checkpoint.pytorch.archive import Entry, read_directory, require_intact
from bertie.errors import CheckpointError

NAMES = ["archive/data.pkl", "archive/data/0", "archive/nothing"]


def mapped(path: Path, content: bytes) -> mmap.mmap:
    """Write a file and map it."""
    path.write_bytes(content)
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def zipped(method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """Make an archive of three entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in NAMES:
            archive.writestr(name, b"" if name.endswith("nothing") else name.encode() * 9)
        archive.comment = comment
    return file.getvalue()


def refuse(path: Path, content: bytes, message: str) -> None:
    """Check that an archive is refused."""
    with pytest.raises(CheckpointError, match=message):
        read_directory(mapped(path, content), "file")


def test_torchs_own_archive_is_listed_as_zipfile_lists_it(torch_data: Path) -> None:
    path = torch_data / "zip.bin"
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    entries = read_directory(mapping, "file")
    with zipfile.ZipFile(path) as archive:
        assert list(entries) == archive.namelist()
        for name, entry in entries.items():
            assert bytes(require_intact(mapping, entry, name)) == archive.read(name)


def test_sizes_and_places_of_64_bits_are_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a", "w", force_zip64=True) as entry:
        entry.write(b"content")
    content = file.getvalue()
    # zipfile writes 64 bits in the directory only where they are needed: put them there.
    listed = content.index(b"PK\x01\x02")
    begin, end = content[:listed], content[content.index(b"PK\x05\x06") :]
    extra = b"\x01\x00\x18\x00" + b"".join(n.to_bytes(8, "little") for n in (7, 7, 0))
    entry_end = content[listed + 32 : listed + 42]
    header = content[listed : listed + 20] + b"\xff" * 8 + b"\x01\x00" + b"\x1c\x00"
    directory = header + entry_end + b"\xff" * 4 + b"a" + extra
    long_end = (
        b"PK\x06\x06"
        + (44).to_bytes(8, "little")
        + bytes(12)
        + b"".join(n.to_bytes(8, "little") for n in (1, 1, len(directory), listed))
    )
    locator = b"PK\x06\x07" + bytes(4) + (listed + len(directory)).to_bytes(8, "little") + bytes(4)
    short_end = end[:8] + b"\xff" * 12 + end[20:]
    mapping = mapped(tmp_path / "f", begin + directory + long_end + locator + short_end)
    with zipfile.ZipFile(tmp_path / "f") as archive:
        assert archive.read("a") == b"content"
    entries = read_directory(mapping, "file")
    assert bytes(require_intact(mapping, entries["a"], "a")) == b"content"
    refuse(
        tmp_path / "g", begin + directory + long_end + bytes(20) + short_end, "its end is missing"
    )
    refuse(tmp_path / "h", short_end, "its end is missing")
    refuse(
        tmp_path / "i", begin + directory + bytes(56) + locator + short_end, "its end is missing"
    )


def test_compressed_and_encrypted_entries_are_refused(tmp_path: Path) -> None:
    refuse(
        tmp_path / "f", zipped(zipfile.ZIP_DEFLATED), "entry 'archive/data.pkl' is compressed or"
    )
    content = bytearray(zipped())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refuse(tmp_path / "g", bytes(content), "entry 'archive/data.pkl' is compressed or encrypted")


def test_an_entry_that_comes_twice_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in "ab":
            archive.writestr(zipfile.ZipInfo(name), b"")
    content = file.getvalue()
    assert list(read_directory(mapped(tmp_path / "f", content), "file")) == ["a", "b"]
    refuse(tmp_path / "g", content.replace(b"b", b"a"), "it has entry 'a' twice")


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    content = bytearray(zipped())
    for name in (b"archive/data.pkl", b"archive/data/0"):
        size = len(content) - content.index(name) - len(name)
        sizes = content.rindex(name) - 46 + 20
        content[sizes : sizes + 8] = size.to_bytes(4, "little") * 2
    refuse(tmp_path / "f", bytes(content), "its entries have more bytes than the file")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:10], "it is too short"),
        (lambda content: content[:-1], "its end is missing"),
        (lambda content: content + b"x", "its end is missing"),
        (lambda content: content[1:], "its directory isn't where it should be"),
        (lambda content: zipped(comment=b"more"), "its end is missing"),
        (
            lambda content: content.replace(b"PK\x01\x02", b"PK\x01\x03", 1),
            "its directory isn't where it should be",
        ),
        (
            lambda content: content.replace(b"archive/data/0", b"archive/data/1", 1),
            "entry b'archive/data/0' isn't where its directory says",
        ),
        (lambda content: content.replace(b"archive/data/0", b"archive/data/\xff"), "isn't UTF-8"),
    ],
)
def test_a_damaged_directory_is_refused(tmp_path: Path, damage, message: str) -> None:
    refuse(tmp_path / "f", damage(zipped()), rf"^file is not a whole zip archive: .*{message}")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (8, b"\xfe\xff\xfe\xff", "a part of its directory reaches beyond the end"),
        (12, b"\xfe\xff\xff\xff", "its directory isn't where it should be"),
        (16, b"\xfe\xff\xff\xff", "its directory isn't where it should be"),
        (10, b"\x02", "its directory isn't where it should be"),
    ],
)
def test_an_end_that_claims_what_is_not_there_is_refused(
    tmp_path: Path, place: int, value: bytes, message: str
) -> None:
    content = bytearray(zipped())
    end = content.index(b"PK\x05\x06")
    content[end + place : end + place + len(value)] = value
    refuse(tmp_path / "f", bytes(content), message)


def test_an_entry_that_differs_from_its_sum_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped())
    entry = read_directory(mapped(tmp_path / "f", bytes(content)), "file")["archive/data/0"]
    assert entry == Entry(entry.begin, 9 * len("archive/data/0"), entry.crc)
    content[entry.begin + 3] ^= 1
    mapping = mapped(tmp_path / "f", bytes(content))
    with pytest.raises(CheckpointError, match=r"^file: data differs from its CRC-32; fetch"):
        require_intact(mapping, entry, "file: data")


def test_more_entries_than_any_model_has_are_refused(tmp_path: Path) -> None:
    content = zipped()
    end = content.index(b"PK\x05\x06")
    long_end = b"PK\x06\x06" + bytes(20) + (100_001).to_bytes(8, "little") * 2 + bytes(16)
    locator = b"PK\x06\x07" + bytes(4) + end.to_bytes(8, "little") + bytes(4)
    tail = content[end : end + 8] + b"\xff" * 12 + content[end + 20 :]
    refuse(tmp_path / "f", content[:end] + long_end + locator + tail, "it has 100001 entries")
