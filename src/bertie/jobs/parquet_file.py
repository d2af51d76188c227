"""Shards of Parquet: row ranges of its row groups."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa, pq
from bertie.jobs.chunk import Chunk
from bertie.jobs.files import InputFile
from bertie.jobs.job import Job

# The row group, the rows before a position in the group, and those before it in the file.
Position = tuple[int, int, int]
_HASH_BYTES = 1 << 20  # bytes hashed at a time
_DECODE_ROWS = 1024  # rows decoded at a time


class ParquetReader:
    """A Parquet file, read forwards within a row group."""

    def __init__(self, file: InputFile, job: Job, stream: Any = None) -> None:
        """Open it; what is at its end is read. Raises: InputError: it is no Parquet."""
        self._path = Path(file.path)
        self._raw = self._path.open("rb")
        try:
            with self._readable():
                self._file = pq.ParquetFile(self._raw, pre_buffer=False)
        except InputError:
            self.close()
            raise
        keep = self.columns().names if job.keep is None else [*job.keep]
        wanted = {*keep, job.column, job.pair_column}
        self._names = [name for name in self.columns().names if name in wanted]
        self._hash: tuple[int, bytes] = (-1, b"")
        self._group = -1
        self._position = 0
        self._batches: Iterator[Any] = iter(())
        self._rest: Any = None

    def columns(self) -> Any:
        """Give the schema, without what writers note in it."""
        return self._file.schema_arrow.remove_metadata()

    def scan(self, rows: int, size: int) -> Iterator[tuple[Position, Chunk, int, str]]:
        """Read all rows in shards of at most so many rows, and about so many bytes.

        Returns: an iterator over where each shard starts, its rows, its bytes and a hash: of the
            bytes of its row group and of where it lies therein.
        Raises: InputError: the file can't be read.
        """
        before = 0
        for group in range(self._file.num_row_groups):
            about = self._file.metadata.row_group(group)
            step = max(1, min(rows, about.num_rows * size // max(about.total_byte_size, 1)))
            for first in range(0, about.num_rows, step):
                count = min(step, about.num_rows - first)
                start = (group, first, before)
                chunk, digest = self.fetch(start, count)
                yield start, chunk, self._byte_share(group, first, count), digest
                before += count

    def fetch(self, start: Position, rows: int) -> tuple[Chunk, str]:
        """Read some rows. Returns: them and their hash. Raises: as scan."""
        group, first, before = start
        with self._readable():
            digest = sha256(self._hash_of(group) + f" {first} {rows}".encode()).hexdigest()
            table = self._take(group, first, rows)
        numbers = [(number, 0) for number in range(before + 1, before + 1 + table.num_rows)]
        return Chunk(table, numbers, []), digest

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _take(self, group: int, first: int, rows: int) -> Any:
        """Decode rows of a group, on from where the last ones ended where that is before them."""
        if group != self._group or first < self._position:
            self._group, self._position = group, 0
            self._batches = self._file.iter_batches(
                _DECODE_ROWS, [group], self._names, use_threads=False
            )
            self._rest = None
        parts = []
        while self._position < first + rows:
            batch = self._rest if self._rest is not None else next(self._batches)
            skipped = min(max(first - self._position, 0), batch.num_rows)
            taken = min(first + rows - self._position, batch.num_rows) - skipped
            if taken:
                parts.append(batch.slice(skipped, taken))
            self._position += skipped + taken
            rest = batch.num_rows - skipped - taken
            self._rest = batch.slice(skipped + taken) if rest else None
        return pa.Table.from_batches(parts).combine_chunks()

    def _hash_of(self, group: int) -> bytes:
        """Hash the bytes of a row group's columns."""
        if self._hash[0] == group:
            return self._hash[1]
        digest = sha256()
        about = self._file.metadata.row_group(group)
        for index in range(about.num_columns):
            column = about.column(index)
            self._hash_range(digest, _offset(column), column.total_compressed_size)
        self._hash = (group, digest.digest())
        return self._hash[1]

    def _hash_range(self, digest: Any, offset: int, size: int) -> None:
        """Hash some bytes of the file."""
        with self._path.open("rb") as file:
            file.seek(offset)
            while size > 0:
                data = file.read(min(size, _HASH_BYTES))
                if not data:
                    raise EOFError("it ends too early")
                digest.update(data)
                size -= len(data)

    def _byte_share(self, group: int, first: int, rows: int) -> int:
        """Share the bytes of the file out to its rows."""
        total = max(int(self._file.metadata.num_rows), 1)
        groups = (int(self._file.metadata.row_group(g).num_rows) for g in range(group))
        before = sum(groups) + first
        size = self._path.stat().st_size
        return size * (before + rows) // total - size * before // total

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Say which file can't be read. Raises: InputError: it and why."""
        try:
            yield
        except (pa.ArrowException, OSError, EOFError, StopIteration) as error:
            raise InputError(f"{self._path} can't be read as Parquet: {error}") from error


def _offset(column: Any) -> int:
    """Find where a column's pages begin."""
    dictionary = column.dictionary_page_offset
    data = int(column.data_page_offset)
    return data if dictionary is None else min(int(dictionary), data)
