"""Having the disk hold things, and putting what is whole into its place."""

import os
import sys
from contextlib import suppress
from pathlib import Path

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
