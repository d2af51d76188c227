"""One writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertie.errors import InputError
from bertie.system.locks import Lock

_FILE = "lock"


@contextmanager
def writer_lock(directory: Path) -> Iterator[None]:
    """Be the only writer of an index; who reads it isn't disturbed.

    Raises: InputError: another process is writing, or the directory can't be written.
    """
    try:
        lock = Lock(directory / _FILE)
    except OSError as error:
        raise InputError(f"{directory} can't be written: {error.strerror}") from error
    with lock:
        try:
            lock.take()
        except BlockingIOError:
            raise InputError(
                f"{directory} is being written by another process; wait until it is done"
            ) from None
        yield
