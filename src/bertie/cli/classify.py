"""bertie classify"""

from bertie.cli import options
from bertie.cli.answers import answered, label_lines
from bertie.cli.grouped import Load, Open, Out, loading, reading, writing
from bertie.cli.inputs import taker


@options.command("classify")
@reading("texts")
@options.pair_column("the second text of each pair")
@loading
@options.truncate
@options.top_k
@options.raw
@writing
def command(
    rows: Open,
    load: Load,
    out: Out,
    pair_column: str | None,
    truncate: str,
    top_k: int | None,
    raw: bool,
) -> None:
    """Give texts, or pairs of texts, the labels that a model was trained for.

    Texts come from the arguments, standard input (one a line) or a file. Each gets all labels with
    their scores, best first.
    """
    with rows() as given:
        model = load("classify")
        found = answered(
            given,
            lambda texts: model.classify_stream(texts, top_k=top_k, raw=raw, truncate=truncate),
            taker(given.column, pair_column),
        )
        out.give(found, "labels", label_lines)
