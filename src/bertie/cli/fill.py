"""bertie fill"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker


@options.command("fill")
@reading("texts")
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
@loading
@options.truncate_cutting
@writing
def command(
    rows: Open, load: Load, out: Out, top_k: int, targets: tuple[str, ...], truncate: str
) -> None:
    """Say what may stand for the masked words of texts, such as "Paris is the [MASK] of France."

    Texts come from the arguments, standard input (one a line) or a file. Each gets a list for each
    of its masks.
    """
    with rows() as given:
        model = load("fill")
        found = answered(
            given,
            lambda texts: model.fill_stream(
                texts, top_k=top_k, targets=targets or None, truncate=truncate
            ),
            taker(given.column),
        )
        out.give(found, "masks", _lines)


def _lines(masks: Any) -> Iterator[str]:
    """Write fillings for a person, a line between masks."""
    for number, fillings in enumerate(masks):
        if number:
            yield ""
        yield from (f"{one.score:.4f}  {one.token}" for one in fillings)
