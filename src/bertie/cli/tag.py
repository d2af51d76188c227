"""bertie tag"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker


@options.command("tag")
@reading("texts")
@click.option(
    "--aggregation",
    type=click.Choice(["none", "simple", "first", "average", "max"]),
    default="first",
    show_default=True,
    help="Which of a word's tokens label it; simple and none don't look at words.",
)
@loading
@options.truncate_windows
@writing
def command(rows: Open, load: Load, out: Out, aggregation: str, truncate: str) -> None:
    """Find the entities in texts: people, places, or whatever a model was trained for.

    Texts come from the arguments, standard input (one a line) or a file. Places are counted in
    characters of the text.
    """
    with rows() as given:
        model = load("tag")
        found = answered(
            given,
            lambda texts: model.tag_stream(texts, aggregation=aggregation, truncate=truncate),
            taker(given.column),
        )
        out.give(found, "spans", _lines)


def _lines(spans: Any) -> Iterator[str]:
    """Write spans for a person."""
    return (f"{one.score:.4f}  {one.label}  {one.start}-{one.end}  {one.text}" for one in spans)
