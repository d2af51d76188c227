"""bertie next-sentence"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import field
from bertie.tables import Row


@options.command("next-sentence")
@click.argument("first", required=False)
@reading("seconds")
@click.option(
    "--first-column",
    metavar="COLUMN",
    help="The column with a first text of its own for each row.",
)
@loading
@options.truncate
@writing
def command(
    first: str | None,
    rows: Open,
    load: Load,
    out: Out,
    first_column: str | None,
    truncate: str,
) -> None:
    """Say how probable it is that texts follow the FIRST one.

    Texts come from the arguments after it, standard input (one a line) or a file, whose rows may
    have first texts of their own.
    """
    if (first is None) == (first_column is None):
        raise click.UsageError("give a first text or --first-column, one of them")
    with rows() as given:
        model = load("next_sentence")

        def take(row: Row) -> tuple[Any, str]:
            before = first if first_column is None else field(row, first_column)
            return before, row.fields[given.column]

        def stream(pairs: Iterator[Any]) -> Iterator[float]:
            return map(float, model.next_sentence_stream(pairs, truncate=truncate))

        out.give(answered(given, stream, take), "follows", _lines)


def _lines(chance: Any) -> Iterator[str]:
    """Write a probability for a person."""
    yield f"{chance:.4f}"
