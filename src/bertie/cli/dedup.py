"""bertie dedup"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bertie.cli import indexes, options
from bertie.cli.grouped import Out, writing
from bertie.cli.progress import Bar


@options.command("dedup")
@indexes.directory
@click.option(
    "--threshold",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.95,
    show_default=True,
    help="The least cosine of two rows that say the same.",
)
@click.option("--delete", is_flag=True, help="Delete all rows of a group but its first.")
@writing
def command(directory: Path, threshold: float, delete: bool, out: Out) -> None:
    """Find rows of an index that say nearly the same.

    Every vector is compared with every other. A group is a row and those that are as near to it as
    the threshold says, so that after --delete each row that is gone has one like it that stayed.
    """
    from bertie.search import Index
    from bertie.search.duplicates import near_duplicates

    index = Index.open(directory)
    with Bar("rows") as bar:
        groups = near_duplicates(
            index, threshold, lambda done, total: bar.update("comparing", done, total)
        )
    rows = (
        (group.text, {"key": group.key, "text": group.text}, group.duplicates) for group in groups
    )
    out.give(rows, "duplicates", _lines)
    several = [one.key for group in groups for one in group.duplicates]
    deleted = f", {index.delete(several)} deleted" if delete and several else ""
    click.echo(
        f"{len(several)} of {len(index) + len(several) * bool(deleted)} rows repeat "
        f"{len(groups)} others{deleted}",
        err=True,
    )


def _lines(duplicates: list[Any]) -> Iterator[str]:
    """Write duplicates for a person."""
    return (f"{one.score:.4f}  {one.text}" for one in duplicates)
