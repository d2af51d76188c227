"""Having the disk hold things, and giving names only to what is whole."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bertie.errors import InputError

_UNFINISHED = ".unfinished"

if sys.platform == "win32":

    def sync(path: Path) -> None:
        """Have the disk hold a file before anything later.

        Windows opens no directories, and syncs nothing that isn't open for writing.
        """
        if path.is_dir():
            return
        with suppress(PermissionError):  # a read-only file, which nobody has just written
            _sync(path, os.O_RDWR | os.O_BINARY)

    _IN_USE = "Windows replaces nothing that a running program has open; end it, then try again"

else:

    def sync(path: Path) -> None:
        """Have the disk hold a file, or a directory's names, before anything later."""
        _sync(path, os.O_RDONLY)

    _IN_USE = None


def _sync(path: Path, flags: int) -> None:
    """Open and sync."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(made: Path, place: Path, aside: Path) -> None:
    """Give a file or directory its name, once all of it is on the disk.

    Args:
        made: what is whole, on the same disk.
        place: its name to be.
        aside: what is there already gets this name, and its old one back where the rest fails.
    Raises: OSError: the disk refuses; what was there is there.
    """
    for path in [*(made.rglob("*") if made.is_dir() else ()), made]:
        sync(path)
    try:
        if os.path.lexists(place):
            place.rename(aside)
        made.rename(place)
    except OSError as error:
        if os.path.lexists(aside):
            aside.rename(place)
        if _IN_USE is not None and isinstance(error, PermissionError):
            raise PermissionError(error.errno, _IN_USE, str(place)) from error
        raise
    sync(place.absolute().parent)


@contextmanager
def atomic_file(path: Path, *, resumed: bool = True) -> Iterator[IO[bytes]]:
    """A file that takes a name when all of it is written and synced.

    Args:
        resumed: whether a later run goes on from here: then the name is synced, too, and the later
            run's remove_unfinished takes away what a killed one leaves. It would take the file of
            somebody else who is still writing beside it, so others say False.
    Raises: InputError: the disk refuses it; nothing has the name then but what had it before.
    """
    suffix = _UNFINISHED if resumed else ""
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}{suffix}")
    try:
        try:
            with unfinished.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        if resumed:
            sync(path.parent)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a small file. Raises: as atomic_file."""
    with atomic_file(path) as file:
        file.write(data)


def remove_unfinished(directory: Path) -> None:
    """Remove what a run that was killed had not finished; see atomic_file."""
    for path in directory.glob(f".*{_UNFINISHED}"):
        path.unlink(missing_ok=True)
