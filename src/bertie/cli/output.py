"""What commands print."""

import json
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from bertie.errors import InputError
from bertie.rows.json_lines import is_unicode


def as_table(show_as: str | None) -> bool:
    """Whether to print for a person: what --as says, else whether one is at the terminal."""
    return show_as == "table" or (show_as is None and sys.stdout.isatty())


def print_json(record: Mapping[str, Any], *, as_read: bool = False) -> None:
    """Print one record as a line of JSON. Args: as_read: as for json_line."""
    click.echo(json_line(record, as_read=as_read))


def json_line(record: Mapping[str, Any], *, as_read: bool = False) -> str:
    """One record as a line of JSON, as standard JSON has it.

    A number that JSON doesn't have, such as NaN, is null; half a surrogate pair is escaped.

    Args:
        as_read: the record is a row that was read: its NaN is kept as it stood there.
    """
    try:
        line = json.dumps(record, ensure_ascii=False, default=str, allow_nan=as_read)
    except ValueError:
        plain = json.loads(json.dumps(record, default=str), parse_constant=lambda name: None)
        return json_line(plain)
    return line if is_unicode(line) else json.dumps(record, default=str)


def csv_cell(value: Any) -> str:
    """A value as CSV has it: a text as it is, None as an empty one, others as JSON.

    Raises: InputError: it isn't Unicode.
    """
    if not isinstance(value, str):
        value = "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    if not is_unicode(value):
        raise InputError(f"{value[:40]!a} holds half a surrogate pair, which CSV can't; .jsonl can")
    return str(value)


def print_columns(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str]
) -> None:
    """Print rows aligned under a header, the columns named in `right` to the right."""
    lines = [header, *rows]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(header))]
    for line in lines:
        cells = []
        for name, cell, width in zip(header, line, widths, strict=True):
            padding = " " * (width - _width(cell))
            cells.append(padding + cell if name in right else cell + padding)
        click.echo("  ".join(cells).rstrip())


def print_record(record: Mapping[str, Any]) -> None:
    """Print a record: names, values, and for settings where each comes from."""
    plain = {name: value for name, value in record.items() if not _is_settings(value)}
    width = max((len(name) for name in plain), default=0)
    for name, value in plain.items():
        first, *rest = _lines(value)
        click.echo(f"{name:<{width}}  {first}")
        for line in rest:
            click.echo(" " * (width + 2) + line)
    for name, settings in record.items():
        if _is_settings(settings):
            click.echo()
            rows = [
                (key, _lines(setting["value"])[0], setting["origin"])
                for key, setting in settings.items()
            ]
            print_columns((name, "value", "from"), rows, right=())


def print_hits(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of long texts as a table that wraps in the terminal's width."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    for index, name in enumerate(header):
        table.add_column(Text(name), justify="right" if index == 0 else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def label_lines(labels: Any) -> Iterator[str]:
    """Write labels for a person."""
    return (f"{one.score:.4f}  {one.label}" for one in labels)


def _is_settings(value: Any) -> bool:
    """Whether a value is a record of settings, each with its origin."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(
            isinstance(one, Mapping) and set(one) == {"value", "origin"} for one in value.values()
        )
    )


def _lines(value: Any) -> list[str]:
    """A value as a person would write it; sentences take a line each."""
    if value is None or value in ({}, [], ()):
        return ["none"]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, Mapping):
        value = [f"{key}: {_lines(one)[0]}" for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        words = [_lines(one)[0] for one in value]
        return words if any(" " in word for word in words) else [", ".join(words)]
    return [str(value)]


def _width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
