"""One writer at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertie.errors import InputError

_FILE = "lock"


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Be the only writer of an index; who reads it isn't disturbed.

    Raises: InputError: another process is writing, or the directory can't be written.
    """
    try:
        file = (directory / _FILE).open("a")
    except OSError as error:
        raise InputError(f"{directory} can't be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{directory} is being written by another process; wait until it is done"
            ) from None
        yield
