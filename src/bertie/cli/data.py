"""Rows of files, directories and patterns, as mappings of columns to typed values."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bertie.errors import ExtraMissing, InputError

# What a column may be read as; a text that is empty is none of the others.
TYPES = {"text": str, "int": int, "float": float}
_BATCH = 4096  # rows of Parquet decoded at a time


class Data:
    """The rows of files, one after another.

    Attributes:
        size: bytes of all files; None where some are compressed.
        bytes_read: how many of them have been read.
    """

    def __init__(
        self, names: Sequence[str], column: str, file_format: str | None, types: Mapping[str, str]
    ) -> None:
        """Find the files. Raises: InputError: as bertie.jobs.files.find."""
        from bertie.jobs.files import PARQUET, find

        self._files = find(names, file_format)
        self._column = column
        self._types = types
        self._parquet = PARQUET
        plain = not any(file.compressed for file in self._files)
        self.size = sum(file.size for file in self._files) if plain else None
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
        from bertie.tables import Table, open_file

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
        try:
            return TYPES[kind](value)
        except (TypeError, ValueError):
            raise InputError(
                f"{where}: column {name!r} is {value!r}, expected {kind} as --type says"
            ) from None


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
            for batch in file.iter_batches(_BATCH):
                for fields in batch.to_pylist():
                    number += 1
                    yield number, fields, 0
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} can't be read as Parquet: {error}") from error
