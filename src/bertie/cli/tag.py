"""bertie tag"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.inputs import text_getter
from bertie.cli.option_groups import (
    LoadModel,
    OpenRows,
    RowWriter,
    input_options,
    model_options,
    output_options,
)
from bertie.cli.row_stream import stream_rows


@options.command("tag")
@input_options("texts")
@click.option(
    "--aggregation",
    type=click.Choice(["none", "simple", "first", "average", "max"]),
    default="first",
    show_default=True,
    help="Which of a word's tokens label it; simple and none don't look at words.",
)
@model_options
@options.truncate_windows
@output_options
def command(
    open_rows: OpenRows, load: LoadModel, writer: RowWriter, aggregation: str, truncate: str
) -> None:
    """Find the entities in texts: people, places, or whatever a model was trained for.

    Texts come from the arguments, standard input (one a line) or a file. Places are counted in
    characters of the text.
    """
    with open_rows() as reader:
        model = load("tag")
        found = stream_rows(
            reader,
            lambda texts: model.tag_stream(texts, aggregation=aggregation, truncate=truncate),
            text_getter(reader.column),
        )
        writer.write(found, "spans", _lines)


def _lines(spans: Any) -> Iterator[str]:
    """Write spans for a person."""
    return (f"{one.score:.4f}  {one.label}  {one.start}-{one.end}  {one.text}" for one in spans)
