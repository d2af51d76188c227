"""Progress: answers counted as they come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Answer = TypeVar("Answer")
# Called with how many examples are done, and of how many.
Progress = Callable[[int, int], None]


def with_progress(stream: Iterable[Answer], total: int, progress: Progress) -> Iterator[Answer]:
    """Pass answers on and say how many there were."""
    for done, answer in enumerate(stream, start=1):
        progress(done, total)
        yield answer
