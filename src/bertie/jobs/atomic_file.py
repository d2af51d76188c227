"""Files written atomically: whole and on the disk before they have their names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bertie.errors import InputError
from bertie.system.disk import sync

_UNFINISHED = ".unfinished"


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes a name when all of it is written and synced.

    Raises: InputError: the disk refuses it; nothing has the name then but what had it before.
    """
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}{_UNFINISHED}")
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
        sync(path.parent)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a small file. Raises: as atomic_file."""
    with atomic_file(path) as file:
        file.write(data)


def remove_unfinished(directory: Path) -> None:
    """Remove what a run that was killed had not finished."""
    for path in directory.glob(f".*{_UNFINISHED}"):
        path.unlink(missing_ok=True)
