"""bertie index"""

from pathlib import Path
from typing import Any

import click

from bertie.cli import index_argument, options, output
from bertie.cli.progress import ProgressBar
from bertie.cli.typed_rows import TYPES, TypedRows

# bertie.search.settings', here because importing it takes numpy
FIRST_PASSES = ("int8", "binary", "float32")


def _read_types(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    types = {}
    for one in given:
        column, _, kind = one.rpartition("=")
        if not column or kind not in TYPES:
            raise click.BadParameter(f"{one!r} is no COLUMN=TYPE, with {', '.join(TYPES)}")
        types[column] = kind
    return types


@options.command("index")
@click.argument("data", nargs=-1)
@click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The index, made if it isn't there.",
)
@options.column
@click.option("--key", metavar="COLUMN", help="The column that tells rows apart.")
@click.option(
    "--type",
    "types",
    multiple=True,
    callback=_read_types,
    metavar="COLUMN=TYPE",
    help="Read a column as text, int or float; several times for several.",
)
@options.file_format
@click.option("--prune", is_flag=True, help="Delete the rows that DATA doesn't have.")
@click.option(
    "--delete",
    "deleted",
    multiple=True,
    metavar="KEY",
    help="Delete a row; several times for more.",
)
@click.option("--report", is_flag=True, help="Describe the rows when all is done.")
@click.option(
    "--language",
    default="English",
    show_default=True,
    help="Whose stems the search by words compares; none compares words as they are.",
)
@click.option(
    "--first-pass",
    type=click.Choice(FIRST_PASSES),
    default="int8",
    show_default=True,
    help="What a search reads first where there are many rows.",
)
@options.model
@options.precision
@options.calibration
@options.max_length
@options.truncate
@options.threads
@options.show_as
def command(
    data: tuple[str, ...],
    directory: Path,
    key: str | None,
    types: dict[str, str],
    prune: bool,
    deleted: tuple[str, ...],
    report: bool,
    show_as: str | None,
    **made: Any,
) -> None:
    """Make an index of rows, or bring one up to date, for bertie search.

    DATA are CSV, TSV, JSONL, Parquet or plain text files, compressed or not, directories of them,
    or patterns; their columns are kept. Rows that are in the
    index already cost nothing, changed ones take the place of those with their key. Without DATA
    the rows stay as they are.
    """
    if not data and not deleted and not report:
        raise click.UsageError("nothing to do: name DATA, or --delete, or --report")
    if prune and not data:
        raise click.UsageError("--prune deletes what DATA doesn't have: name DATA")
    index = _index(directory, key, made)
    done: dict[str, Any] = {"index": str(directory)}
    if deleted:
        done["deleted"] = index.delete(deleted)
    if data:
        column = index.settings.column
        with ProgressBar("texts") as bar:
            rows = TypedRows(data, column, made["file_format"], types)
            changes = index.add(
                rows if rows.again else iter(rows),
                key=key,
                prune=prune,
                progress=lambda done: bar.update(
                    "indexing", rows.bytes_read, rows.size, counted=done.added + done.changed
                ),
            )
        done |= changes.to_dict()
    done["rows"] = len(index)
    if report:
        _report(index, done, show_as)
    elif output.as_table(show_as):
        output.print_record(done)
    else:
        output.print_json(done)


def _index(directory: Path, key: str | None, made: dict[str, Any]) -> Any:
    """Open the index, or make it."""
    from bertie.search import Index
    from bertie.search.settings import FILE

    if (directory / FILE).exists():
        return index_argument.open_index(directory, made)
    from bertie.cli.model import load_model

    model = load_model(
        made["source"],
        "embed",
        **{name: made[name] for name in ("precision", "calibration", "max_length", "threads")},
    )
    chosen = {name: made[name] for name in ("column", "language", "first_pass", "truncate")}
    return Index.create(directory, model=model, key=key, **chosen)


def _report(index: Any, done: dict[str, Any], show_as: str | None) -> None:
    """Print what was done, and what the rows are like."""
    from bertie.search.report import describe

    report = describe(index)
    if output.as_table(show_as):
        output.print_record(done)
        click.echo()
        for line in report.lines():
            click.echo(line)
    else:
        output.print_json(done | {"report": report.to_dict()})
