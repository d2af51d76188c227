"""Shards of CSV, TSV, JSONL and plain lines."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from bertie.jobs.chunk import Chunk
from bertie.jobs.files import STDIN, InputFile
from bertie.jobs.job import Job
from bertie.rows.compression import open_file
from bertie.tables import Bad, Row, Table

# The rows, lines and bytes before a position in a file.
Position = tuple[int, int, int]


class TextReader:
    """A file of lines, read from its beginning or from the beginning of a shard."""

    def __init__(self, file: InputFile, job: Job, stream: Any = None) -> None:
        """Get ready to read. Args: stream: standard input, where the file is that."""
        self._file = file
        self._column = job.column
        self._stream = stream
        self._header: Sequence[str] | None = None
        self._open: Any = None

    def columns(self) -> Sequence[str] | None:
        """Read the names of the columns; JSONL has none. Raises: InputError: there are none."""
        if self._header is None and self._file.path != STDIN and self._file.size:
            with open_file(Path(self._file.path)) as opened:
                self._header = self._table(opened, (0, 0, 0), None).header()
        return self._header

    def scan(self, rows: int, size: int) -> Iterator[tuple[Position, Chunk, int, str]]:
        """Read all rows in shards of at most so many rows, and about so many bytes.

        Returns: an iterator over where each shard starts, its rows, its bytes and their hash.
        Raises: InputError: the file can't be read.
        """
        if self._file.size == 0 and self._file.path != STDIN:
            return
        opened = self._stream if self._file.path == STDIN else open_file(Path(self._file.path))
        digest = _Digest()
        try:
            table = self._table(opened, (0, 0, 0), digest)
            self._header = table.header()
            digest.take()
            start: Position = (0, table.lines_read, table.bytes_read)
            some: list[Row | Bad] = []
            for row in table.each():
                some.append(row)
                if len(some) == rows or table.bytes_read - start[2] >= size:
                    yield start, _chunk(some), table.bytes_read - start[2], digest.take()
                    start = (row.number, row.line, table.bytes_read)
                    some = []
            if some:
                yield start, _chunk(some), table.bytes_read - start[2], digest.take()
        finally:
            if opened is not self._stream:
                opened.close()

    def fetch(self, start: Position, rows: int) -> tuple[Chunk, str]:
        """Read some rows. Returns: them and the hash of their bytes. Raises: as scan."""
        self.columns()
        digest = _Digest()
        table = self._table(self._opened(start[2]), start, digest)
        some: list[Row | Bad] = []
        for row in table.each():
            some.append(row)
            if len(some) == rows:
                break
        return _chunk(some), digest.take()

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _opened(self, position: int) -> Any:
        """Open the file at a position; compressed ones are read up to there."""
        if self._open is None:
            self._open = open_file(Path(self._file.path))
        if self._open.seekable():
            self._open.seek(position)
            return self._open
        self.close()
        self._open = open_file(Path(self._file.path))
        while position > 0:
            position -= len(self._open.read(min(position, 1 << 20))) or position
        return self._open

    def _table(self, opened: Any, start: Position, digest: "_Digest | None") -> Table:
        """Read rows from an open file."""
        return Table(
            opened,
            name=self._file.path if self._file.path != STDIN else "standard input",
            format=self._file.format,
            column=self._column,
            header=self._header if start != (0, 0, 0) else None,
            start=start,
            seen=None if digest is None else digest.add,
        )


class _Digest:
    """A hash of what was read since it was taken last."""

    def __init__(self) -> None:
        self._now = sha256()

    def add(self, data: bytes) -> None:
        """Add what was read."""
        self._now.update(data)

    def take(self) -> str:
        """Give the hash, and begin another one."""
        found = self._now.hexdigest()
        self._now = sha256()
        return found


def _chunk(rows: list[Row | Bad]) -> Chunk:
    """Put good rows and bad ones apart."""
    good = [row for row in rows if isinstance(row, Row)]
    return Chunk(
        [row.fields for row in good],
        [(row.number, row.line) for row in good],
        [row for row in rows if isinstance(row, Bad)],
    )
