"""bertie sparse"""

from collections.abc import Iterator
from typing import Any

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

_SHOWN = 8  # tokens that a terminal shows


@options.command("sparse")
@input_options("texts")
@model_options
@options.truncate
@options.top_k
@output_options
def command(
    open_rows: OpenRows, load: LoadModel, writer: RowWriter, truncate: str, top_k: int | None
) -> None:
    """Turn texts into sparse vectors over the vocabulary, by a SPLADE model.

    Texts come from the arguments, standard input (one a line) or a file.
    """
    with open_rows() as reader:
        model = load("sparse")

        def lines(vector: Any) -> Iterator[str]:
            return (f"{weight:.4f}  {token}" for token, weight in model.tokens(vector)[:_SHOWN])

        found = stream_rows(
            reader,
            lambda texts: model.embed_sparse_stream(texts, top_k=top_k, truncate=truncate),
            text_getter(reader.column),
        )
        writer.write(found, "vector", lines)
