"""bertie zero-shot"""

import click

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


@options.command("zero-shot")
@input_options("texts")
@click.option(
    "-l",
    "--label",
    "labels",
    multiple=True,
    required=True,
    help="A label to judge; give as many as there are.",
)
@click.option(
    "--hypothesis",
    default="This example is {}.",
    show_default=True,
    help="The sentence that is judged, with {} where a label goes.",
)
@click.option("--multi-label", is_flag=True, help="Judge each label alone.")
@click.option("--entailment", metavar="LABEL", help="The model's label for what follows.")
@model_options
@options.truncate
@options.top_k
@output_options
def command(
    open_rows: OpenRows,
    load: LoadModel,
    writer: RowWriter,
    labels: tuple[str, ...],
    hypothesis: str,
    multi_label: bool,
    entailment: str | None,
    truncate: str,
    top_k: int | None,
) -> None:
    """Say which of your own labels fit a text, by a model of natural language inference.

    Texts come from the arguments, standard input (one a line) or a file.
    """
    with open_rows() as reader:
        model = load("zero_shot")
        found = stream_rows(
            reader,
            lambda texts: model.zero_shot_stream(
                texts,
                labels,
                hypothesis=hypothesis,
                multi_label=multi_label,
                entailment=entailment,
                top_k=top_k,
                truncate=truncate,
            ),
            text_getter(reader.column),
        )
        writer.write(found, "labels", output.label_lines)
