"""Locks between processes, each by a file."""

import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

# What file systems without locks answer, some of those that are mounted from other machines.
NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})

if sys.platform == "win32":
    import msvcrt

    # Nobody else may read what is locked on Windows: a byte that no lock file is long enough for.
    _FAR = 1 << 30
    _LOOK_EVERY = 0.1  # seconds; what waits there gives up after 10 s by itself

    def _locking(descriptor: int, mode: int) -> None:
        """Lock or unlock the byte, and leave the position in the file as it is."""
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, mode, 1)
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)

    def _take(descriptor: int) -> None:
        """Take the lock. Raises: BlockingIOError: another has it."""
        try:
            _locking(descriptor, msvcrt.LK_NBLCK)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None

    def _wait(descriptor: int) -> None:
        """Take the lock when nobody else has it any more."""
        while True:
            try:
                return _take(descriptor)
            except BlockingIOError:
                time.sleep(_LOOK_EVERY)

    def _release(descriptor: int) -> None:
        """Give the lock back; closing alone would do so some time later."""
        _locking(descriptor, msvcrt.LK_UNLCK)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        """Take the lock. Raises: BlockingIOError: another has it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _wait(descriptor: int) -> None:
        """Take the lock when nobody else has it any more."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _release(descriptor: int) -> None:
        """Give the lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class Lock:
    """The lock that a file stands for: one holder at a time, gone with its process at the latest.

    Attributes:
        file: open for text, with what whoever holds the lock wrote there; anybody can read it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises: OSError: the disk refuses."""
        self.file = path.open("a+", encoding="utf-8")
        self._taken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back and close the file."""
        with self.file:
            if self._taken:
                _release(self.file.fileno())

    def take(self, waiting: Callable[[], None] | None = None) -> None:
        """Take the lock.

        Args:
            waiting: called when another holds it, and then it is waited for; None: refused.
        Raises: BlockingIOError: another holds it, and nobody waits.
        Raises: OSError: one of NO_LOCKS_HERE: the file system has no locks.
        """
        try:
            _take(self.file.fileno())
        except BlockingIOError:
            if waiting is None:
                raise
            waiting()
            _wait(self.file.fileno())
        self._taken = True
