"""bertie classify"""

from bertie.cli import options, output
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


@options.command("classify")
@input_options("texts")
@options.pair_column("the second text of each pair")
@model_options
@options.truncate
@options.top_k
@options.raw
@output_options
def command(
    open_rows: OpenRows,
    load: LoadModel,
    writer: RowWriter,
    pair_column: str | None,
    truncate: str,
    top_k: int | None,
    raw: bool,
) -> None:
    """Give texts, or pairs of texts, the labels that a model was trained for.

    Texts come from the arguments, standard input (one a line) or a file. Each gets all labels with
    their scores, best first.
    """
    with open_rows() as reader:
        model = load("classify")
        found = stream_rows(
            reader,
            lambda texts: model.classify_stream(texts, top_k=top_k, raw=raw, truncate=truncate),
            text_getter(reader.column, pair_column),
        )
        writer.write(found, "labels", output.label_lines)
