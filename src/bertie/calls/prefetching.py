"""Prefetching: one thread computes while the caller's prepares what comes next."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")

_END: Any = object()


def prefetch(
    items: Iterable[Item],
    prepare: Callable[[Item], Prepared],
    compute: Callable[[Prepared], Result],
) -> Iterator[Result]:
    """Compute each item while the next one is prepared and the last result is used.

    Items are taken and prepared on the caller's thread, for whoever makes them may not like
    another; at most one is being computed while one is prepared.

    Args:
        items: what to compute, taken one by one.
        prepare: makes an item ready.
        compute: does the work, one item at a time, on a thread of its own.
    Returns: an iterator over what compute gives, in order.
    Raises: whatever items, prepare and compute raise, when the results before it are given out.
    """
    from concurrent.futures import ThreadPoolExecutor  # here because only streams take its time

    source = iter(items)
    current: Future[Result] | None = None
    with ThreadPoolExecutor(1, "bertie-ahead") as worker:  # a name that profiles show
        while True:
            following: Future[Result] | None = None
            failure: Exception | None = None
            try:
                item = next(source, _END)
                if item is not _END:
                    following = worker.submit(compute, prepare(item))
            except Exception as error:
                failure = error
            if current is not None:
                yield current.result()
            if failure is not None:
                raise failure
            if following is None:
                return
            current = following
