"""Rows of files, directories and patterns, as mappings of columns to typed values."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bertie.errors import ExtraMissing, InputError
from bertie.rows.json_lines import is_exact
from bertie.tables import read_number

# What a column may be read as; a text that is empty is none of the others.
TYPES = ("text", "int", "float")
_INT = re.compile(r"[+-]?[0-9]{1,4000}")
_NO_NUMBERS = {"nan", "inf", "-inf", "infinity", "-infinity"}
_DECODE_ROWS = 4096  # rows of Parquet decoded at a time


class TypedRows:
    """The rows of files, one after another.

    Attributes:
        size: bytes of all files; None where some are compressed.
        again: whether they can be read more than once; pipes can't.
        bytes_read: how many of them have been read.
    """

    def __init__(
        self, names: Sequence[str], column: str, file_format: str | None, types: Mapping[str, str]
    ) -> None:
        """Find the files. Raises: InputError: as bertie.jobs.files.find_files."""
        from bertie.jobs.files import PARQUET, find_files

        self._files = find_files(names, file_format)
        self._column = column
        self._types = types
        self._parquet = PARQUET
        plain = not any(file.compressed for file in self._files)
        self.size = sum(file.size for file in self._files) if plain else None
        self.again = all(Path(file.path).is_file() for file in self._files)
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Give the rows. Raises: InputError: one can't be read, or a column isn't of its type."""
        before = 0
        for file in self._files:
            path = Path(file.path)
            rows = _parquet(path) if file.format == self._parquet else self._text(path, file.format)
            for number, fields, read in rows:
                self.bytes_read = before + read
                where = f"{path}: row {number}"
                yield {name: self._typed(value, name, where) for name, value in fields.items()}
            before += file.size
            self.bytes_read = before

    def _text(self, path: Path, format: str) -> Iterator[tuple[int, Mapping[str, Any], int]]:
        """Rows of text, each with its number and the bytes up to it."""
        from bertie.rows.compression import open_file
        from bertie.tables import Table

        with open_file(path) as opened:
            table = Table(opened, name=str(path), format=format, column=self._column)
            for row in table:
                yield row.number, row.fields, table.bytes_read

    def _typed(self, value: Any, name: str, where: str) -> Any:
        """A value of the type that its column was said to have."""
        kind = self._types.get(name)
        if kind is None or value is None:
            return value
        if value == "" and kind != "text":
            return None
        found = {"text": _as_text, "int": _as_int, "float": _as_float}[kind](value)
        if found is None:
            raise InputError(
                f"{where}: column {name!r} is {value!r}, expected {kind} as --type says"
            )
        return found


def _as_text(value: Any) -> str:
    """A value as a text: numbers and what has parts as JSON writes them."""
    if isinstance(value, (bool, int, float, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _as_int(value: Any) -> int | None:
    """A whole number, or one that is written; None if it is none."""
    if isinstance(value, str):
        return int(value) if _INT.fullmatch(value.strip()) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _as_float(value: Any) -> float | None:
    """A number that a float has to the last digit, or one that is written; None if it is none."""
    if isinstance(value, str):
        written = value.strip().lower()
        return float(written) if written in _NO_NUMBERS else read_number(written)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if isinstance(value, float) or is_exact(value) else None


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any], int]]:
    """Rows of Parquet; how far it is in bytes isn't known."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExtraMissing("reading Parquet needs pyarrow: pip install 'bertie[tables]'") from error
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise InputError(f"{path} has column {name!r} twice; rename one")
            for batch in file.iter_batches(_DECODE_ROWS):
                columns = [
                    _values(column, f"{path}: column {name!r}")
                    for name, column in zip(names, batch.columns, strict=True)
                ]
                for values in zip(*columns, strict=True):
                    number += 1
                    yield number, dict(zip(names, values, strict=True)), 0
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} can't be read as Parquet: {error}") from error


def _values(column: Any, where: str) -> list[Any]:
    """A column's values. Raises: InputError: Python has none like one of them."""
    import pyarrow as pa

    from bertie.jobs.values import in_microseconds, python_values

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    try:
        if not pa.types.is_temporal(kind):
            return python_values(column)
        if getattr(kind, "unit", None) == "ns":  # which Python hasn't
            column = column.cast(in_microseconds(kind))
        return list(column.to_pylist())
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8: {error}") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise InputError(
            f"{where} has times that aren't whole microseconds in Python's years: {error}"
        ) from error
