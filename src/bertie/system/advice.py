"""Telling the system which parts of a mapped file are needed; without it they are read as used."""

import mmap
import sys
from contextlib import suppress

_POPULATE_READ = 22  # Linux's MADV_POPULATE_READ (5.14), which Python's mmap has no name for

if sys.platform == "win32":

    def forget(mapping: mmap.mmap, start: int, length: int) -> None:
        """Do nothing: Windows takes pages back by itself where others need the memory."""

else:

    def forget(mapping: mmap.mmap, start: int, length: int) -> None:
        """Give the memory of whole pages back; whoever reads them again gets them again."""
        mapping.madvise(mmap.MADV_DONTNEED, start, length)


if sys.platform == "linux":

    def fetch(mapping: mmap.mmap, start: int, length: int) -> None:
        """Map whole pages at once, in a tenth of the time of page after page."""
        with suppress(OSError):  # a kernel that doesn't know how
            mapping.madvise(_POPULATE_READ, start, length)

else:

    def fetch(mapping: mmap.mmap, start: int, length: int) -> None:
        """Do nothing: pages come as they are read."""
