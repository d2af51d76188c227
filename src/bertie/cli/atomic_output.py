"""A file that a command writes: whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bertie.errors import InputError
from bertie.system.disk import atomic_file


@contextmanager
def atomic_output(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when all is written; where that is a link, it stays one.

    Raises: InputError: something else than a file has the name, or it can't be written.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no plain file, expected one or none")
    with atomic_file(path, resumed=False) as file:
        yield file
