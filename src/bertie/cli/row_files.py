"""Files of rows with their answers: JSONL, CSV and Parquet, a file whole or not at all."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from bertie.calls.records import plain
from bertie.cli.atomic_output import atomic_output
from bertie.cli.output import csv_cell, json_line
from bertie.errors import ExtraMissing, InputError

SUFFIXES = (".jsonl", ".csv", ".parquet")
_GROUP = 4096  # rows of a Parquet row group

Rows = Iterable[tuple[Mapping[str, Any], Any]]


def with_answer(fields: Mapping[str, Any], answer: Any, name: str) -> dict[str, Any]:
    """Put an answer beside a row's fields.

    Raises: InputError: there is a field of the answer's name.
    """
    if name in fields:
        raise InputError(f"a column is called {name!r} already; rename it")
    return {**fields, name: plain(answer)}


def write_rows(path: Path, rows: Rows, name: str) -> int:
    """Write rows to a file in the format that its suffix names.

    Args:
        path: ends in one of SUFFIXES.
        rows: fields and answers.
        name: the answers' column.
    Returns: how many rows.
    Raises: InputError: the file can't be written; what was there before is still there.
    Raises: ExtraMissing: Parquet needs pyarrow.
    """
    writer = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}[path.suffix.lower()]
    with atomic_output(path) as file:
        return writer(file, (with_answer(fields, answer, name) for fields, answer in rows), name)


def _jsonl(file: IO[bytes], rows: Iterable[dict[str, Any]], _: str) -> int:
    count = 0
    for row in rows:
        file.write(json_line(row, as_read=True).encode() + b"\n")
        count += 1
    return count


def _csv(file: IO[bytes], rows: Iterable[dict[str, Any]], _: str) -> int:
    """A column a field, and the answer; what is no text as JSON."""
    out = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(out)
    columns: list[str] | None = None
    count = 0
    for row in rows:
        if columns is None:
            columns = list(row)
            writer.writerow(map(csv_cell, columns))
        if list(row) != columns:
            raise InputError(
                f"row {count + 1} has the keys {list(row)}, the first row has {columns}; "
                "CSV needs the same in every row, .jsonl does not"
            )
        writer.writerow(map(csv_cell, row.values()))
        count += 1
    out.flush()
    out.detach()
    return count


def _parquet(file: IO[bytes], rows: Iterable[dict[str, Any]], name: str) -> int:
    """Arrow's own types, which the first rows decide; what would be changed by them is refused."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExtraMissing(
            "writing Parquet needs pyarrow: pip install 'bertie[tables]', or write .jsonl"
        ) from error
    count = 0
    group: list[dict[str, Any]] = []
    writer: Any = None

    def flush() -> None:
        nonlocal writer
        if writer is None:  # else the first row alone would say which columns there are
            blank = dict.fromkeys(key for row in group for key in list(row)[:-1])
            table = pa.Table.from_pylist([{**blank, **row} for row in group])
        else:
            table = pa.Table.from_pylist(group, schema=writer.schema)
        others = table.select([one for one in table.column_names if one != name])
        _check_unchanged(group, others.to_pylist(), count - len(group))
        if writer is None:
            _check_readable(pa, pq, table.schema)
            writer = pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
        group.clear()

    try:
        for row in rows:
            group.append(row)
            count += 1
            if len(group) == _GROUP:
                flush()
        if group or writer is None:
            flush()
    except (pa.ArrowException, UnicodeError, OverflowError) as error:
        raise InputError(
            f"rows up to {count} don't fit into one table: {error}; .jsonl takes any"
        ) from error
    finally:
        if writer is not None:
            writer.close()
    return count


def _check_readable(pa: Any, pq: Any, schema: Any) -> None:
    """Refuse columns so deep that Parquet is written of them, but not read.

    Raises: pyarrow.ArrowException: it isn't read.
    """
    empty = pa.BufferOutputStream()
    try:
        pq.write_table(schema.empty_table(), empty)
        pq.ParquetFile(pa.BufferReader(empty.getvalue())).close()
    except OSError as error:
        raise pa.ArrowException(str(error)) from error


def _check_unchanged(given: list[dict[str, Any]], kept: list[dict[str, Any]], before: int) -> None:
    """Refuse what Arrow would change to make it fit. Args: before: rows before these."""
    for number, (row, found) in enumerate(zip(given, kept, strict=True), start=before + 1):
        for name in list(row)[:-1]:
            if not _is_same(row[name], found.get(name)):
                shown = json.dumps(row[name], default=str)[:40]
                raise InputError(
                    f"row {number}: column {name!r} is {shown}, which the first rows' type doesn't"
                    " hold; .jsonl takes any"
                )


def _is_same(before: Any, after: Any) -> bool:
    """Whether a value came out of Arrow as it went in; an object may have got keys of null."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(_is_same(before.get(key), after.get(key)) for key in before.keys() | after)
    if isinstance(before, (list, tuple)) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_same, before, after))
    return bool(before == after) or (before != before and after != after)
