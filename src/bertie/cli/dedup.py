"""bertie dedup"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bertie.cli import index_argument, options
from bertie.cli.option_groups import RowWriter, output_options
from bertie.cli.progress import ProgressBar


@options.command("dedup")
@index_argument.directory
@click.option(
    "--threshold",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.95,
    show_default=True,
    help="The least cosine of two rows that say the same.",
)
@click.option("--delete", is_flag=True, help="Delete all rows of a group but its first.")
@output_options
def command(directory: Path, threshold: float, delete: bool, writer: RowWriter) -> None:
    """Find rows of an index that say nearly the same.

    Every vector is compared with every other. A group is a row and those that are as near to it as
    the threshold says, so that after --delete each row that is gone has one like it that stayed.
    """
    from bertie.search import Index
    from bertie.search.duplicates import near_duplicates

    index = Index.open(directory)
    with ProgressBar("rows") as bar:
        groups = near_duplicates(
            index, threshold, lambda done, total: bar.update("comparing", done, total)
        )
    rows = (
        (group.text, {"key": group.key, "text": group.text}, group.duplicates) for group in groups
    )
    writer.write(rows, "duplicates", _lines)
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
