"""Rows streamed through a model: rows in, each with its answer out, in order."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from bertie.cli.inputs import RowReader
from bertie.cli.progress import ProgressBar
from bertie.tables import Row

# A row's own text, its fields and its answer.
RowAnswers: TypeAlias = Iterator[tuple[str, dict[str, Any], Any]]


def stream_rows(
    reader: RowReader,
    stream: Callable[[Iterator[Any]], Iterator[Any]],
    get_input: Callable[[Row], Any],
) -> RowAnswers:
    """Answer rows as they come.

    Args:
        reader: of the rows.
        stream: the model's call for any number of inputs.
        get_input: takes of a row what the model reads.
    """
    waiting: deque[Row] = deque()

    def inputs() -> Iterator[Any]:
        for row in reader.rows:
            waiting.append(row)
            yield get_input(row)

    with ProgressBar("texts") as bar:
        for count, answer in enumerate(stream(inputs()), start=1):
            bar.update("working", reader.bytes_read, reader.size, counted=count)
            fields = dict(waiting.popleft().fields)
            yield fields[reader.column], fields, answer
