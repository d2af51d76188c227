"""bertie rank"""

import click

from bertie.cli import options, output
from bertie.cli.option_groups import LoadModel, OpenRows, input_options, model_options


@options.command("rank")
@click.argument("query")
@input_options("documents")
@model_options
@options.truncate
@options.top_k
@click.option("--label", help="The label whose score counts, where a model has several.")
@options.raw
@options.show_as
def command(
    query: str,
    open_rows: OpenRows,
    load: LoadModel,
    truncate: str,
    top_k: int | None,
    label: str | None,
    raw: bool,
    show_as: str | None,
) -> None:
    """Rank documents by how well they answer a query, by a model that reads both together.

    Documents come from the arguments, standard input (one a line) or a file; they are printed best
    first.
    """
    with open_rows() as reader:
        all_rows = list(reader.rows)
        texts = [row.fields[reader.column] for row in all_rows]
        model = load("rank")
        best = model.rank(query, texts, top_k=top_k, label=label, raw=raw, truncate=truncate)
    if output.as_table(show_as):
        lines = (
            (f"{one.score:.4f}", str(all_rows[one.index].number), texts[one.index]) for one in best
        )
        output.print_hits(("score", "row", reader.column), lines)
        return
    for one in best:
        row = all_rows[one.index]
        found = {"score": one.score, "row": row.number, "fields": dict(row.fields)}
        output.print_json(found, as_read=True)
