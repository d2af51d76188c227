"""bertie answer"""

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


@options.command("answer")
@click.argument("question", required=False)
@input_options("contexts")
@click.option(
    "--question-column",
    metavar="COLUMN",
    help="The column with a question of its own for each row.",
)
@model_options
@options.truncate_windows
@click.option(
    "-k",
    "--top-k",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The most answers to give to a question.",
)
@click.option(
    "--max-answer-length",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="The most tokens of an answer.",
)
@click.option("--no-answer", is_flag=True, help="Let there be no answer, as in SQuAD 2.0.")
@click.option(
    "--threshold",
    type=float,
    default=0.0,
    show_default=True,
    help="How far no answer must be above the best one, in logits.",
)
@output_options
def command(
    question: str | None,
    open_rows: OpenRows,
    load: LoadModel,
    writer: RowWriter,
    question_column: str | None,
    truncate: str,
    **wanted: Any,
) -> None:
    """Find the answer to a question in texts, each of any length.

    Texts to answer from come from the arguments after the QUESTION, standard input (one a line) or
    a file, whose rows may have questions of their own.
    """
    if (question is None) == (question_column is None):
        raise click.UsageError("give a question or --question-column, one of them")
    with open_rows() as reader:
        model = load("answer")

        def get_input(row: Row) -> tuple[Any, str]:
            own_question = question if question_column is None else text_field(row, question_column)
            return own_question, row.fields[reader.column]

        found = stream_rows(
            reader, lambda pairs: model.answer_stream(pairs, truncate=truncate, **wanted), get_input
        )
        writer.write(found, "answers" if wanted["top_k"] > 1 else "answer", _lines)


def _lines(found: Any) -> Iterator[str]:
    """Write answers for a person."""
    several = found if isinstance(found, list) else [found]
    return (
        f"{one.score:.4f}  {one.start}-{one.end}  {one.text or '(no answer)'}" for one in several
    )
