"""bertie fill"""

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


@options.command("fill")
@input_options("texts")
@click.option(
    "-k",
    "--top-k",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="The most tokens to give for a mask.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    help="Consider only this word; give as many as there are.",
)
@model_options
@options.truncate_cutting
@output_options
def command(
    open_rows: OpenRows,
    load: LoadModel,
    writer: RowWriter,
    top_k: int,
    targets: tuple[str, ...],
    truncate: str,
) -> None:
    """Say what may stand for the masked words of texts, such as "Paris is the [MASK] of France."

    Texts come from the arguments, standard input (one a line) or a file. Each gets a list for each
    of its masks.
    """
    with open_rows() as reader:
        model = load("fill")
        found = stream_rows(
            reader,
            lambda texts: model.fill_stream(
                texts, top_k=top_k, targets=targets or None, truncate=truncate
            ),
            text_getter(reader.column),
        )
        writer.write(found, "masks", _lines)


def _lines(masks: Any) -> Iterator[str]:
    """Write fillings for a person, a line between masks."""
    for number, fillings in enumerate(masks):
        if number:
            yield ""
        yield from (f"{one.score:.4f}  {one.token}" for one in fillings)
