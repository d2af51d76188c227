"""bertie multivector"""

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


@options.command("multivector")
@input_options("texts")
@click.option(
    "--kind",
    type=click.Choice(["query", "document"]),
    default="document",
    show_default=True,
    help="What the texts are.",
)
@model_options
@options.truncate_cutting
@output_options
def command(
    open_rows: OpenRows, load: LoadModel, writer: RowWriter, kind: str, truncate: str
) -> None:
    """Turn texts into a vector for each token, by a ColBERT model.

    Texts come from the arguments, standard input (one a line) or a file.
    """
    with open_rows() as reader:
        model = load("multivector")

        def stream(texts: Iterator[Any]) -> Iterator[Any]:
            matrices = model.embed_multi_stream(texts, kind=kind, truncate=truncate)
            return (matrix.tolist() for matrix in matrices)

        writer.write(stream_rows(reader, stream, text_getter(reader.column)), "vectors", _lines)


def _lines(vectors: Any) -> Iterator[str]:
    """Say how many there are, for a person."""
    yield f"{len(vectors)} vectors of {len(vectors[0]) if vectors else 0}"
