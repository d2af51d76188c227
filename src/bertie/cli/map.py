"""bertie map"""

from pathlib import Path

import click

from bertie.cli import index_argument, options


def _check_suffix(_: click.Context, __: click.Parameter, path: Path) -> Path:
    if path.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{path} must end in .html")
    return path


@options.command("map")
@index_argument.directory
@click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(path_type=Path),
    required=True,
    callback=_check_suffix,
    metavar="FILE",
    help="The page to write, an .html file.",
)
@click.option("--colour", "--color", metavar="COLUMN", help="The column that colours the points.")
@click.option(
    "--method",
    type=click.Choice(["auto", "pca", "umap"]),
    default="auto",
    show_default=True,
    help="How rows are laid out; auto is umap where umap-learn is installed.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="The most rows on the map, drawn by lot where there are more.",
)
def command(
    directory: Path, output_file: Path, colour: str | None, method: str, limit: int
) -> None:
    """Draw the rows of an index as points on a page, near where they mean like things.

    The page needs nothing else: open it in a browser, point at a row to read it, look for words,
    colour by a column.
    """
    from bertie.cli.atomic_output import atomic_output
    from bertie.search import Index
    from bertie.search.map import draw

    drawn = draw(Index.open(directory), colour=colour, method=method, limit=limit)
    with atomic_output(output_file) as file:
        file.write(drawn.html.encode())
    click.echo(f"{drawn.points} of {drawn.rows} rows by {drawn.method} in {output_file}", err=True)
