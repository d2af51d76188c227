"""Reading rows of text from CSV, TSV, JSONL and plain lines, one at a time.

Files are UTF-8, with or without a byte order mark, and may be compressed. Nothing is guessed and
nothing is mended: what can't be read as it stands is an error that names the file, the row and the
column, or, for who asks for each row, a bad row among the good ones.
"""

import csv
import lzma
import math
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from bertie.errors import InputError
from bertie.rows.compression import is_compressed, open_file
from bertie.rows.json_lines import is_unicode, read_object

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
LONGEST_LINE = 8 << 20  # bytes; a longer one is a file of another kind, or lacks its line ends
FORMATS: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "jsonl": (".jsonl", ".ndjson"),
    "lines": (".txt",),
}
LINES_COLUMN = "text"  # what the one column of plain lines is called
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number, counted from 1 without the header; the line it ends on; its fields."""

    number: int
    line: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that can't be read: its number, its line, and why."""

    number: int
    line: int
    reason: str


class _Line(NamedTuple):
    """A line of a file.

    Attributes:
        raw: its bytes; of one that is too long, their hash.
        size: how many bytes it has.
        text: what it says, its end included.
        reason: why it says nothing.
    """

    raw: bytes
    size: int
    text: str
    reason: str | None


class _Unreadable(Exception):
    """A line that says nothing."""


class Table:
    """An open file of rows, read as it is iterated over, once.

    Every row has the column asked for, and a str in it.

    Attributes:
        bytes_read: bytes of the rows given so far, and of the header.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        name: str,
        format: str,
        column: str,
        header: Sequence[str] | None = None,
        start: tuple[int, int, int] = (0, 0, 0),
        seen: Callable[[bytes], Any] | None = None,
    ) -> None:
        """Read from an open binary file.

        Args:
            name: what messages call the file.
            format: one of FORMATS.
            column: the column that every row must have; plain lines have "text" alone.
            header: the names of the columns, where reading begins behind the line that has them.
            start: the rows, lines and bytes before the place where reading begins.
            seen: is given the bytes of each row, and of the header, when the row is given; of a
                line that is too long, its SHA-256 instead.
        """
        self.name = name
        self.format = format
        self.column = column
        self.bytes_read = 0
        self._file = file
        self._columns = None if header is None else list(header)
        self._row, self._line, self._position = start
        self._seen = seen
        self._record: list[_Line] = []  # lines of the row being read
        self._again: deque[_Line] = deque()  # lines that didn't belong to the row before
        self._goes_on = False

    def __iter__(self) -> Iterator[Row]:
        """Give the rows. Raises: InputError: one can't be read; it says which and why."""
        for row in self._rows():
            if isinstance(row, Bad):
                raise InputError(f"{self.name}: row {row.number} (line {row.line}): {row.reason}")
            yield row

    def each(self) -> Iterator[Row | Bad]:
        """Give the rows, good and bad. Raises: InputError: the file isn't of this format at all.

        After a bad row of CSV, reading goes on with the line after its first, so that a quote that
        nothing closes swallows no row behind it.
        """
        self._goes_on = True
        return self._rows()

    def header(self) -> Sequence[str] | None:
        """Read the names of the columns before any row; JSONL has none.

        Raises: InputError: they can't be read, or lack the column.
        """
        if self.format not in ("csv", "tsv"):
            return None if self.format == "jsonl" else (self.column,)
        if self._columns is None:
            self._columns = self._read_header()
            self._take()
        return self._columns

    @property
    def lines_read(self) -> int:
        """The lines of the rows given so far, and of the header."""
        return self._line

    def _rows(self) -> Iterator[Row | Bad]:
        """The rows, good and bad."""
        read = {"jsonl": self._jsonl, "lines": self._lines}.get(self.format, self._csv)
        for fields, reason in read():
            self._row += 1
            reason = reason or self._column_problem(fields)
            row = (
                Bad(self._row, self._line, reason) if reason else Row(self._row, self._line, fields)
            )
            self._take()
            yield row

    def _column_problem(self, fields: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the column of a row, if anything is."""
        if self.column not in fields:
            return f"no key {self.column!r}, it has {_listed(list(fields))}; name one with --column"
        text = fields[self.column]
        if not isinstance(text, str):
            return f"column {self.column!r} is {type(text).__name__}, expected text"
        if self.format == "jsonl" and not is_unicode(text):
            return f"column {self.column!r} holds half a surrogate pair"
        return None

    def _take(self) -> None:
        """Count the lines of the row that was read."""
        for line in self._record:
            self.bytes_read += line.size
            if self._seen is not None:
                self._seen(line.raw)
        self._record.clear()

    def _csv(self) -> Iterator[tuple[dict[str, str], str | None]]:
        """Rows of comma- or tab-separated fields under a header."""
        header = self.header()
        assert header is not None
        parser = self._parser()
        while True:
            reason = None
            row: list[str] = []
            try:
                row = next(parser)
            except StopIteration:
                return
            except (csv.Error, _Unreadable) as error:
                reason = self._unparsed(error)
                parser = self._parser()
            if not row and reason is None:  # a blank line
                continue
            if reason is None and len(row) != len(header):
                reason = (
                    f"columns: {len(row)}, expected {len(header)} as in the header "
                    f"({_listed(list(header))}); a field that contains the delimiter needs quotes"
                )
            yield dict(zip(header, row, strict=False)), reason

    def _parser(self) -> Iterator[list[str]]:
        """A parser of the lines to come."""
        allow_long_fields()
        delimiter = "\t" if self.format == "tsv" else ","
        return csv.reader(iter(self._next_text, None), delimiter=delimiter, strict=True)

    def _unparsed(self, error: Exception) -> str:
        """Say what the parser met; lines behind the row's first are read again."""
        if self._goes_on:
            first, *others = self._record
            self._record = [first]
            self._again.extendleft(reversed(others))
            self._line -= len(others)
        if isinstance(error, _Unreadable):
            return str(error)
        return f"not well-formed {self.format.upper()}: {error}"

    def _read_header(self) -> list[str]:
        """Read the header. Raises: InputError: there is none, or it can't be one."""
        parser = self._parser()
        try:
            header = next((row for row in parser if row), None)
        except (csv.Error, _Unreadable) as error:
            said = self._unparsed(error)
            raise InputError(f"{self.name}: header (line {self._line}): {said}") from error
        if header is None:
            raise InputError(f"{self.name} is empty, expected a header and rows under it")
        self._check_header(header)
        return header

    def _check_header(self, header: list[str]) -> None:
        """Refuse a header without the column or with one name twice."""
        for index, name in enumerate(header):
            if name in header[:index]:
                raise InputError(f"{self.name}: the header has column {name!r} twice; rename one")
        if self.column not in header:
            hint = ""
            if len(header) == 1 and any(mark in header[0] for mark in ",;\t|"):
                between = "tabs" if self.format == "tsv" else "commas"
                hint = f" (one column: {self.format.upper()} has {between} between columns)"
            raise InputError(
                f"{self.name}: no column {self.column!r}, it has {_listed(header)}{hint}; "
                "name one with --column"
            )

    def _jsonl(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        """Rows that are one JSON object a line; blank lines are none."""
        empty = self._position == 0
        while (line := self._next_line()) is not None:
            if line.reason is None and not line.text.strip():
                continue
            empty = False
            yield ({}, line.reason) if line.reason else read_object(line.text)
        if empty:
            raise InputError(f"{self.name} is empty, expected one JSON object a line")

    def _lines(self) -> Iterator[tuple[dict[str, str], str | None]]:
        """Rows that are one text a line; a blank line is an empty text."""
        while (line := self._next_line()) is not None:
            yield {self.column: line.text.rstrip("\r\n")}, line.reason
        if self._line == 0:
            raise InputError(f"{self.name} is empty, expected one text a line")

    def _next_text(self) -> str | None:
        """Read a line's text. Raises: _Unreadable: it has none."""
        line = self._next_line()
        if line is None:
            return None
        if line.reason is not None:
            raise _Unreadable(line.reason)
        return line.text

    def _next_line(self) -> _Line | None:
        """Read a line into the row being read; None at the end."""
        line = self._again.popleft() if self._again else self._read_line()
        if line is not None:
            self._line += 1
            self._record.append(line)
        return line

    def _read_line(self) -> _Line | None:
        """Read a line with its end, decoded strictly and bounded in length."""
        raw = self._read(LONGEST_LINE + 1)
        if not raw:
            return None
        start = self._position
        self._position += len(raw)
        if len(raw) > LONGEST_LINE:
            return self._too_long(raw)
        text = raw
        if start == 0:
            if raw.startswith(_UTF16):
                raise InputError(f"{self.name} is UTF-16, expected UTF-8; save it as that")
            text = raw.removeprefix(_BOM)
            start = len(raw) - len(text)
        if (nul := text.find(b"\0")) >= 0:
            reason = f"a NUL byte at byte {nul} of the line; is it a text file?"
            return _Line(raw, len(raw), "", reason)
        try:
            return _Line(raw, len(raw), text.decode("utf-8"), None)
        except UnicodeDecodeError as error:
            reason = (
                f"not UTF-8: byte 0x{text[error.start]:02x} at byte {error.start} of the line, "
                f"{start + error.start} of the file; convert it, for instance with iconv"
            )
            return _Line(raw, len(raw), "", reason)

    def _too_long(self, part: bytes) -> _Line:
        """Give a line up whose beginning was read; who goes on finds its end."""
        size, digest = len(part), sha256(part)
        while self._goes_on and part and not part.endswith(b"\n"):
            part = self._read(LONGEST_LINE)
            size += len(part)
            self._position += len(part)
            digest.update(part)
        reason = f"a line longer than {LONGEST_LINE} bytes; is it a text file?"
        return _Line(digest.digest(), size, "", reason)

    def _read(self, most: int) -> bytes:
        """Read to a line's end, or so many bytes. Raises: InputError: compressed data is broken."""
        try:
            return self._file.readline(most)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise InputError(f"{self.name} can't be read: {error}") from error


def read_number(text: str) -> float | None:
    """Read a number as people write it, without all that float takes: 1_0 would be ten.

    Returns: a finite number; None where the text is none, or one beyond what 64 bits hold.
    """
    found = float(text) if _NUMBER.fullmatch(text) else math.inf
    return found if math.isfinite(found) else None


def allow_long_fields() -> None:
    """Let the csv module read a field as long as a line; its default is 128 KiB."""
    if csv.field_size_limit() < LONGEST_LINE:
        csv.field_size_limit(LONGEST_LINE)


def read(path: Path, *, column: str = "text", format: str | None = None) -> Iterator[Row]:
    """Read a file's rows, one at a time.

    Args:
        column: the column that every row must have, with text in it.
        format: one of FORMATS; told from the file's name where it isn't given.
    Raises: InputError: it can't be opened, or a row can't be read; it says which and why.
    """
    format = format or format_of(path)
    with open_file(path) as file:
        yield from Table(file, name=str(path), format=format, column=column)


def format_of(path: Path) -> str:
    """Tell a file's format from its name, the suffix of a compressed file left out.

    Raises: InputError: the name ends in none of the suffixes known.
    """
    if is_compressed(path):
        path = path.with_suffix("")
    suffix = path.suffix.lower()
    for format, suffixes in FORMATS.items():
        if suffix in suffixes:
            return format
    known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    raise InputError(
        f"{path}: can't tell its format from {suffix or 'a name without a suffix'!r}, expected "
        f"one of {known}; say which with --format"
    )


def _listed(names: list[str]) -> str:
    """Some names for a message."""
    shown = ", ".join(repr(name[:40]) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
