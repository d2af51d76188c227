"""bertie answer"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import field
from bertie.tables import Row


@options.command("answer")
@click.argument("question", required=False)
@reading("contexts")
@click.option(
    "--question-column",
    metavar="COLUMN",
    help="The column with a question of its own for each row.",
)
@loading
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
@writing
def command(
    question: str | None,
    rows: Open,
    load: Load,
    out: Out,
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
    with rows() as given:
        model = load("answer")

        def take(row: Row) -> tuple[Any, str]:
            asked = question if question_column is None else field(row, question_column)
            return asked, row.fields[given.column]

        found = answered(
            given, lambda pairs: model.answer_stream(pairs, truncate=truncate, **wanted), take
        )
        out.give(found, "answers" if wanted["top_k"] > 1 else "answer", _lines)


def _lines(found: Any) -> Iterator[str]:
    """Write answers for a person."""
    several = found if isinstance(found, list) else [found]
    return (
        f"{one.score:.4f}  {one.start}-{one.end}  {one.text or '(no answer)'}" for one in several
    )
