"""bertie index"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bertie.cli import indexes, options, output
from bertie.cli.progress import Bar
from bertie.errors import InputError

# bertie.search.settings', here because importing it takes numpy
FIRST_PASSES = ("int8", "binary", "float32")
_TYPES = {"text": str, "int": int, "float": float}


def _read_types(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    types = {}
    for one in given:
        column, _, kind = one.rpartition("=")
        if not column or kind not in _TYPES:
            raise click.BadParameter(f"{one!r} is no COLUMN=TYPE, with {', '.join(_TYPES)}")
        types[column] = kind
    return types


@options.command("index")
@click.argument("data", nargs=-1, type=click.Path(path_type=Path))
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
    data: tuple[Path, ...],
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

    DATA are CSV, TSV, JSONL or plain text files; their columns are kept. Rows that are in the
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
        with Bar("texts") as bar:
            total = sum(path.stat().st_size for path in data if path.is_file())
            rows = _Rows(data, column, made["file_format"], types)
            changes = index.add(
                rows,
                key=key,
                prune=prune,
                progress=lambda done: bar.update(
                    "indexing", rows.bytes_read, total, counted=done.added + done.changed
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


class _Rows:
    """The fields of rows of files, one after another."""

    def __init__(
        self, paths: tuple[Path, ...], column: str, file_format: str | None, types: dict[str, str]
    ) -> None:
        self._paths = paths
        self._column = column
        self._format = file_format
        self._types = types
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Give the rows. Raises: InputError: one can't be read, or a column isn't of its type."""
        from bertie.tables import Table, format_of, open_file

        for path in self._paths:
            before = self.bytes_read
            with open_file(path) as file:
                format = self._format or format_of(path)
                table = Table(file, name=str(path), format=format, column=self._column)
                for row in table:
                    self.bytes_read = before + table.bytes_read
                    yield {
                        name: self._typed(value, name, f"{path}: row {row.number}")
                        for name, value in row.fields.items()
                    }

    def _typed(self, value: Any, name: str, where: str) -> Any:
        """A value of the type that its column was said to have; an empty text is none."""
        kind = self._types.get(name)
        if kind is None or value is None:
            return value
        if value == "" and kind != "text":
            return None
        try:
            return _TYPES[kind](value)
        except (TypeError, ValueError):
            raise InputError(
                f"{where}: column {name!r} is {value!r}, expected {kind} as --type says"
            ) from None


def _index(directory: Path, key: str | None, made: dict[str, Any]) -> Any:
    """Open the index, or make it."""
    from bertie.search import Index
    from bertie.search.settings import FILE

    if (directory / FILE).exists():
        return indexes.opened(directory, made)
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
