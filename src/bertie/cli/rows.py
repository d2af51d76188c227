"""Rows with their answers written out: JSONL, CSV and Parquet, a file whole or not at all."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from bertie.cli.whole_file import whole_file
from bertie.errors import ExtraMissing, InputError
from bertie.tasks.records import plain

SUFFIXES = (".jsonl", ".csv", ".parquet")
_GROUP = 4096  # rows of a Parquet row group

Rows = Iterable[tuple[Mapping[str, Any], Any]]


def joined(fields: Mapping[str, Any], answer: Any, name: str) -> dict[str, Any]:
    """Put an answer beside a row's fields.

    Raises: InputError: there is a field of the answer's name.
    """
    if name in fields:
        raise InputError(f"a column is called {name!r} already; rename it")
    return {**fields, name: plain(answer)}


def write(path: Path, rows: Rows, name: str) -> int:
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
    with whole_file(path) as file:
        return writer(file, (joined(fields, answer, name) for fields, answer in rows), name)


def _jsonl(file: IO[bytes], rows: Iterable[dict[str, Any]], _: str) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def _csv(file: IO[bytes], rows: Iterable[dict[str, Any]], name: str) -> int:
    """A column a field, and the answer as JSON."""
    out = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(out)
    columns: list[str] | None = None
    count = 0
    for row in rows:
        if columns is None:
            columns = list(row)
            writer.writerow(columns)
        if list(row) != columns:
            raise InputError(
                f"row {count + 1} has the keys {list(row)}, the first row has {columns}; "
                "CSV needs the same in every row, .jsonl does not"
            )
        answer = row[name]
        shown = (
            answer if isinstance(answer, (int, float)) else json.dumps(answer, ensure_ascii=False)
        )
        writer.writerow([*(row[column] for column in columns[:-1]), shown])
        count += 1
    out.flush()
    out.detach()
    return count


def _parquet(file: IO[bytes], rows: Iterable[dict[str, Any]], _: str) -> int:
    """Arrow's own types, which the first rows decide."""
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
        table = pa.Table.from_pylist(group, schema=None if writer is None else writer.schema)
        writer = writer or pq.ParquetWriter(file, table.schema)
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
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(
            f"rows up to {count} don't fit into one table: {error}; .jsonl takes any"
        ) from error
    finally:
        if writer is not None:
            writer.close()
    return count
