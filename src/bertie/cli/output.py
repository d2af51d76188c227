"""What commands print."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click


def as_table(show_as: str | None) -> bool:
    """Whether to print for a person: what --as says, else whether one is at the terminal."""
    return show_as == "table" or (show_as is None and sys.stdout.isatty())


def print_json(record: Mapping[str, Any]) -> None:
    """Print one record as a line of JSON."""
    click.echo(json.dumps(record, ensure_ascii=False, default=str))


def print_columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows aligned under a header: the first column to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(header))]
    for line in lines:
        cells = [line[0] + " " * (widths[0] - _width(line[0]))]
        cells += [
            " " * (width - _width(cell)) + cell
            for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def print_tree(record: Mapping[str, Any], indent: int = 0) -> None:
    """Print a record of records, names to the left and values aligned."""
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            click.echo(f"{' ' * indent}{name}")
            print_tree(value, indent + 2)
        else:
            click.echo(f"{' ' * indent}{name:<{width}}  {_plain(value)}")


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


def _plain(value: Any) -> str:
    """A value as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value)) or "none"
    return str(value) if value != {} else "none"


def _width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
