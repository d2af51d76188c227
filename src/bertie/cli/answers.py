"""The road of every command that answers rows: rows in, each with its answer out, in order."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from bertie.cli.inputs import Source
from bertie.cli.progress import Bar
from bertie.tables import Row

# A row's own text, its fields and its answer.
Answered: TypeAlias = Iterator[tuple[str, dict[str, Any], Any]]


def answered(
    given: Source, stream: Callable[[Iterator[Any]], Iterator[Any]], take: Callable[[Row], Any]
) -> Answered:
    """Answer rows as they come.

    Args:
        given: the rows.
        stream: the model's call for any number of inputs.
        take: what of a row the model reads.
    """
    waiting: deque[Row] = deque()

    def pulled() -> Iterator[Any]:
        for row in given.rows:
            waiting.append(row)
            yield take(row)

    with Bar("texts") as bar:
        for count, answer in enumerate(stream(pulled()), start=1):
            bar.update("working", given.bytes_read, given.size, counted=count)
            fields = dict(waiting.popleft().fields)
            yield fields[given.column], fields, answer


def label_lines(labels: Any) -> Iterator[str]:
    """Write labels for a person."""
    return (f"{one.score:.4f}  {one.label}" for one in labels)
