"""Shards: fixed row ranges of the input, each known by a hash of what it was read from."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from bertie.errors import InputError
from bertie.jobs.chunk import Chunk
from bertie.jobs.files import PARQUET, InputFile
from bertie.jobs.job import ROW_BYTES, Job
from bertie.jobs.parquet_file import ParquetReader
from bertie.jobs.text_file import TextReader


@dataclass(frozen=True)
class Shard:
    """A range of rows of one file.

    Attributes:
        number: its position among all shards.
        file: the position of its file among the input's.
        start: the rows, lines and bytes before it in the file; of Parquet the row group, and the
            rows before it in the group and in the file.
        rows: how many there are, bad ones among them.
        size: bytes of the input that it stands for.
        sha256: of what it was read from.
    """

    number: int
    file: int
    start: tuple[int, int, int]
    rows: int
    size: int
    sha256: str


class InputReader:
    """The files of a job, read in shards."""

    def __init__(self, files: tuple[InputFile, ...], job: Job, stream: Any = None) -> None:
        """Get ready to read.

        Args:
            stream: standard input, where that is the only file.
        """
        self.files = files
        self._job = job
        self._stream = stream
        self._columns: Any = None
        self._readers: dict[int, TextReader | ParquetReader] = {}

    def scan(self) -> Generator[tuple[Shard, Chunk], None, None]:
        """Read everything once, in order.

        Raises: InputError: a file can't be read, or isn't what it was when the job looked at it.
        """
        number = 0
        for index, file in enumerate(self.files):
            file.check()
            reader = self._reader(index)
            self._check_columns(index)
            most = self._job.shard_rows
            for start, chunk, size, digest in reader.scan(most, most * ROW_BYTES):
                rows = len(chunk.numbers) + len(chunk.bad)
                yield Shard(number, index, start, rows, size, digest), chunk
                number += 1
            file.check()
            self._close(index)

    def fetch(self, shard: Shard) -> Chunk:
        """Read one shard again; shards of a file are read fastest in their order.

        Raises: InputError: its file can't be read, or has other bytes there than before.
        """
        for index in [index for index in self._readers if index != shard.file]:
            self._close(index)
        chunk, digest = self._reader(shard.file).fetch(shard.start, shard.rows)
        if digest != shard.sha256:
            first = chunk.numbers[0][0] if chunk.numbers else "?"
            raise InputError(
                f"{self.files[shard.file].path}: rows from {first} on changed while the job read"
                " them; run it again with --restart when nothing writes to the file any more"
            )
        return chunk

    def columns(self) -> Any:
        """Give the columns that the first file says it has: a schema, names, or None for JSONL."""
        return self._reader(0).columns()

    def close(self) -> None:
        """Close the files that are open."""
        for index in list(self._readers):
            self._close(index)

    def _check_columns(self, index: int) -> None:
        """Refuse a file with other columns than the first one."""
        first = self.columns() if index == 0 else self._columns
        own = self._reader(index).columns()
        if index == 0:
            self._columns = first
        elif _listed(own) != _listed(first):
            raise InputError(
                f"{self.files[index].path} has the columns {_named(own)}, but"
                f" {self.files[0].path} has {_named(first)}; expected the same in every file"
            )

    def _reader(self, index: int) -> TextReader | ParquetReader:
        """Open a file, or take the one that is open."""
        if index not in self._readers:
            kind = ParquetReader if self.files[index].format == PARQUET else TextReader
            self._readers[index] = kind(self.files[index], self._job, self._stream)
        return self._readers[index]

    def _close(self, index: int) -> None:
        """Close a file."""
        self._readers.pop(index).close()


def _listed(columns: Any) -> Any:
    """Give names in a list, whatever they came in."""
    return list(columns) if isinstance(columns, tuple) else columns


def _named(columns: Any) -> str:
    """Name columns for a message."""
    if hasattr(columns, "names"):
        return ", ".join(f"{field.name!r} ({field.type})" for field in columns)
    return ", ".join(map(repr, columns)) if columns else "none by a header"
