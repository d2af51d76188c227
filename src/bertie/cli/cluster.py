"""bertie cluster"""

from pathlib import Path

import click

from bertie.cli import index_argument, options, output

_SHOWN = 160  # characters of an example that a terminal shows


@options.command("cluster")
@index_argument.directory
@click.option(
    "-n",
    "--clusters",
    "count",
    type=click.IntRange(min=2),
    help="How many.  [default: the root of half the rows, from 2 to 100]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random starts.")
@click.option(
    "--save", metavar="COLUMN", help="Write each row's cluster into a column of the index."
)
@options.output_file
@options.show_as
def command(
    directory: Path,
    count: int | None,
    seed: int,
    save: str | None,
    output_file: Path | None,
    show_as: str | None,
) -> None:
    """Sort the rows of an index into clusters by their meaning, and say what each is about.

    The clusters are printed, the largest first; -o writes every row with the number of its
    cluster, --save keeps it in the index, where bertie map can colour by it.
    """
    from bertie.search import Index
    from bertie.search.clusters import clusters

    index = Index.open(directory)
    found, numbers = clusters(index, count, seed=seed)
    if save is not None:
        index.annotate(save, numbers)
    if output_file is not None:
        from bertie.cli.row_files import write_rows

        rows = ((row["fields"], numbers[row["key"]]) for row in index.rows())
        written = write_rows(output_file, rows, "cluster")
        click.echo(f"{written} rows in {output_file}", err=True)
    for cluster in found:
        if not output.as_table(show_as):
            output.print_json(cluster.to_dict())
            continue
        words = ", ".join(cluster.words)
        click.echo(f"{cluster.number}  {cluster.rows} rows, {cluster.cohesion:.3f}  {words}")
        for example in cluster.examples:
            shown = " ".join(example.split())
            click.echo(f"   {shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + '…'}")
