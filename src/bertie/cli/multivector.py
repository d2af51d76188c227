"""bertie multivector"""

from collections.abc import Iterator
from typing import Any

import click

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker


@options.command("multivector")
@reading("texts")
@click.option(
    "--kind",
    type=click.Choice(["query", "document"]),
    default="document",
    show_default=True,
    help="What the texts are.",
)
@loading
@options.truncate_cutting
@writing
def command(rows: Open, load: Load, out: Out, kind: str, truncate: str) -> None:
    """Turn texts into a vector for each token, by a ColBERT model.

    Texts come from the arguments, standard input (one a line) or a file.
    """
    with rows() as given:
        model = load("multivector")

        def stream(texts: Iterator[Any]) -> Iterator[Any]:
            matrices = model.embed_multi_stream(texts, kind=kind, truncate=truncate)
            return (matrix.tolist() for matrix in matrices)

        out.give(answered(given, stream, taker(given.column)), "vectors", _lines)


def _lines(vectors: Any) -> Iterator[str]:
    """Say how many there are, for a person."""
    yield f"{len(vectors)} vectors of {len(vectors[0]) if vectors else 0}"
