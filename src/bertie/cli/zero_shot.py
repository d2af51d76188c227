"""bertie zero-shot"""

import click

from bertie.cli import options
from bertie.cli.answers import answered, label_lines
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker


@options.command("zero-shot")
@reading("texts")
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
@loading
@options.truncate
@options.top_k
@writing
def command(
    rows: Open,
    load: Load,
    out: Out,
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
    with rows() as given:
        model = load("zero_shot")
        found = answered(
            given,
            lambda texts: model.zero_shot_stream(
                texts,
                labels,
                hypothesis=hypothesis,
                multi_label=multi_label,
                entailment=entailment,
                top_k=top_k,
                truncate=truncate,
            ),
            taker(given.column),
        )
        out.give(found, "labels", label_lines)
