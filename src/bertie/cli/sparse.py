"""bertie sparse"""

from collections.abc import Iterator
from typing import Any

from bertie.cli import options
from bertie.cli.answers import answered
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker

_SHOWN = 8  # tokens that a terminal shows


@options.command("sparse")
@reading("texts")
@loading
@options.truncate
@options.top_k
@writing
def command(rows: Open, load: Load, out: Out, truncate: str, top_k: int | None) -> None:
    """Turn texts into sparse vectors over the vocabulary, by a SPLADE model.

    Texts come from the arguments, standard input (one a line) or a file.
    """
    with rows() as given:
        model = load("sparse")

        def lines(vector: Any) -> Iterator[str]:
            return (f"{weight:.4f}  {token}" for token, weight in model.tokens(vector)[:_SHOWN])

        found = answered(
            given,
            lambda texts: model.embed_sparse_stream(texts, top_k=top_k, truncate=truncate),
            taker(given.column),
        )
        out.give(found, "vector", lines)
