"""bertie next-sentence"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.inputs import text_field
from bertie.cli.option_groups import (
    LoadModel,
    OpenRows,
    RowWriter,
    input_options,
    model_options,
    output_options,
)
from bertie.cli.row_stream import stream_rows
from bertie.tables import Row


@options.command("next-sentence")
@click.argument("first", required=False)
@input_options("seconds")
@click.option(
    "--first-column",
    metavar="COLUMN",
    help="The column with a first text of its own for each row.",
)
@model_options
@options.truncate
@output_options
def command(
    first: str | None,
    open_rows: OpenRows,
    load: LoadModel,
    writer: RowWriter,
    first_column: str | None,
    truncate: str,
) -> None:
    """Say how probable it is that texts follow the FIRST one.

    Texts come from the arguments after it, standard input (one a line) or a file, whose rows may
    have first texts of their own.
    """
    if (first is None) == (first_column is None):
        raise click.UsageError("give a first text or --first-column, one of them")
    with open_rows() as reader:
        model = load("next_sentence")

        def get_input(row: Row) -> tuple[Any, str]:
            before = first if first_column is None else text_field(row, first_column)
            return before, row.fields[reader.column]

        def stream(pairs: Iterator[Any]) -> Iterator[float]:
            return map(float, model.next_sentence_stream(pairs, truncate=truncate))

        writer.write(stream_rows(reader, stream, get_input), "follows", _lines)


def _lines(chance: Any) -> Iterator[str]:
    """Write a probability for a person."""
    yield f"{chance:.4f}"
