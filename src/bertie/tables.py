"""Reading rows of text from CSV, TSV, JSONL and plain lines, one at a time.

Files are UTF-8, with or without a byte order mark. Nothing is guessed and nothing is mended: what
can't be read as it stands is an error that names the file, the row and the column.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bertie.errors import InputError

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


class Table:
    """An open file of rows, read as it is iterated over, once.

    Every row has the column asked for, and a str in it.
    """

    def __init__(self, file: BinaryIO, *, name: str, format: str, column: str) -> None:
        """Read from an open binary file.

        Args:
            name: what messages call the file.
            format: one of FORMATS.
            column: the column that every row must have; plain lines have "text" alone.
        """
        self.name = name
        self.format = format
        self.column = column
        self.bytes_read = 0
        self._file = file
        self._header_due = format in ("csv", "tsv")
        self._line = 0
        self._row = 0

    def __iter__(self) -> Iterator[Row]:
        """Give the rows. Raises: InputError: one can't be read; it says which and why."""
        read = {"jsonl": self._jsonl, "lines": self._lines}.get(self.format, self._csv)
        for self._row, fields in enumerate(read(), start=1):
            text = fields[self.column]
            if not isinstance(text, str):
                raise self._error(
                    f"column {self.column!r} is {type(text).__name__}, expected text", self._row
                )
            if self.format == "jsonl" and not _is_unicode(text):
                raise self._error(f"column {self.column!r} holds half a surrogate pair", self._row)
            yield Row(self._row, self._line, fields)

    def _csv(self) -> Iterator[dict[str, str]]:
        """Rows of comma- or tab-separated fields under a header."""
        if csv.field_size_limit() < LONGEST_LINE:  # the module's default is 128 KiB a field
            csv.field_size_limit(LONGEST_LINE)
        delimiter = "\t" if self.format == "tsv" else ","
        rows = self._filled(csv.reader(self._decoded(), delimiter=delimiter, strict=True))
        header = next(rows, None)
        if header is None:
            raise InputError(f"{self.name} is empty, expected a header and rows under it")
        self._check_header(header)
        self._header_due = False
        for row in rows:
            if len(row) != len(header):
                raise self._error(
                    f"columns: {len(row)}, expected {len(header)} as in the header "
                    f"({_listed(header)}); a field that contains the delimiter needs quotes"
                )
            yield dict(zip(header, row, strict=True))

    def _filled(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        """The rows that aren't blank lines, with the parser's complaints as ours."""
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._error(f"not well-formed {self.format.upper()}: {error}") from error
            if row:
                yield row

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

    def _jsonl(self) -> Iterator[dict[str, Any]]:
        """Rows that are one JSON object a line; blank lines are none."""
        empty = True
        for text in self._decoded():
            if not text.strip():
                continue
            empty = False
            try:
                fields = json.loads(text)
            except ValueError as error:
                raise self._error(f"not JSON: {error}") from error
            except RecursionError:
                raise self._error("JSON nested too deeply") from None
            if not isinstance(fields, dict):
                raise self._error(f"a JSON {type(fields).__name__}, expected an object")
            if self.column not in fields:
                raise self._error(
                    f"no key {self.column!r}, it has {_listed(list(fields))}; "
                    "name one with --column"
                )
            yield fields
        if empty:
            raise InputError(f"{self.name} is empty, expected one JSON object a line")

    def _lines(self) -> Iterator[dict[str, str]]:
        """Rows that are one text a line; a blank line is an empty text."""
        for text in self._decoded():
            yield {self.column: text.rstrip("\r\n")}
        if self._line == 0:
            raise InputError(f"{self.name} is empty, expected one text a line")

    def _decoded(self) -> Iterator[str]:
        """Lines with their ends, decoded strictly and bounded in length."""
        while line := self._file.readline(LONGEST_LINE + 1):
            start = self.bytes_read
            self.bytes_read += len(line)
            self._line += 1
            if start == 0:
                if line.startswith(_UTF16):
                    raise InputError(f"{self.name} is UTF-16, expected UTF-8; save it as that")
                if line.startswith(_BOM):
                    line = line[len(_BOM) :]
                    start += len(_BOM)
            if len(line) > LONGEST_LINE:
                raise self._error(f"a line longer than {LONGEST_LINE} bytes; is it a text file?")
            if (nul := line.find(b"\0")) >= 0:
                raise self._error(f"a NUL byte at byte {nul} of the line; is it a text file?")
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise self._error(
                    f"not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start} of the line, "
                    f"{start + error.start} of the file; convert it, for instance with iconv"
                ) from None

    def _error(self, what: str, row: int | None = None) -> InputError:
        """An error about the row being read."""
        where = "header" if self._header_due else f"row {row or self._row + 1}"
        return InputError(f"{self.name}: {where} (line {self._line}): {what}")


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
    """Tell a file's format from its name.

    Raises: InputError: the name ends in none of the suffixes known.
    """
    suffix = path.suffix.lower()
    for format, suffixes in FORMATS.items():
        if suffix in suffixes:
            return format
    known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    raise InputError(
        f"{path}: can't tell its format from {suffix or 'a name without a suffix'!r}, expected "
        f"one of {known}; say which with --format"
    )


def open_file(path: Path) -> BinaryIO:
    """Open a file of rows. Raises: InputError: there is none, or it can't be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _is_unicode(text: str) -> bool:
    """Whether a text is whole Unicode; JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _listed(names: list[str]) -> str:
    """Some names for a message."""
    shown = ", ".join(repr(name[:40]) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
