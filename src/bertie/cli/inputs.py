"""The texts that a command works on: its arguments, standard input, or a file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bertie.errors import InputError
from bertie.rows.compression import open_file
from bertie.tables import LINES_COLUMN, Row, Table, format_of


@contextmanager
def open_rows(
    texts: Sequence[str], file: Path | None, file_format: str | None, column: str
) -> Iterator["RowReader"]:
    """Open the texts given; without any, standard input as plain lines unless that's a terminal."""
    if texts:
        if file is not None:
            raise click.UsageError("give texts or --input, not both")
        rows = (Row(n, n, {LINES_COLUMN: text}) for n, text in enumerate(texts, start=1))
        yield RowReader(rows, LINES_COLUMN, None, None)
    elif file is None or str(file) == "-":
        if sys.stdin.isatty() and file is None:
            raise click.UsageError("no texts: give some, pipe them in, or name a file with -i")
        table = Table(
            sys.stdin.buffer,
            name="standard input",
            format=file_format or "lines",
            column=column,
        )
        yield RowReader(iter(table), column, table, None)
    else:
        file_format = file_format or format_of(file)
        with open_file(file) as opened:
            table = Table(opened, name=str(file), format=file_format, column=column)
            yield RowReader(iter(table), column, table, file.stat().st_size)


class RowReader:
    """Rows to work on, and how far along they are where that can be known."""

    def __init__(
        self, rows: Iterator[Row], column: str, table: Table | None, size: int | None
    ) -> None:
        self.rows = rows
        self.column = column
        self.size = size
        self._table = table

    @property
    def bytes_read(self) -> int:
        return self._table.bytes_read if self._table is not None else 0


def text_getter(column: str, pair_column: str | None = None) -> Callable[[Row], Any]:
    """Make what takes a row's text, or its pair of texts."""
    if pair_column is None:
        return lambda row: row.fields[column]
    return lambda row: (row.fields[column], text_field(row, pair_column))


def text_field(row: Row, column: str) -> str:
    """Take a column that isn't the table's own. Raises: InputError: the row has no text there."""
    if column not in row.fields:
        known = ", ".join(map(repr, row.fields))
        raise InputError(
            f"row {row.number} (line {row.line}): no column {column!r}, it has {known}"
        )
    text = row.fields[column]
    if not isinstance(text, str):
        kind = type(text).__name__
        raise InputError(
            f"row {row.number} (line {row.line}): column {column!r} is {kind}, expected text"
        )
    return text
