"""The files of a job's input, in one fixed order."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import has_magic
from itertools import takewhile
from pathlib import Path

from bertie import tables
from bertie.errors import InputError
from bertie.rows.compression import is_compressed

STDIN = "-"
PARQUET = "parquet"
INPUT_FORMATS = (*tables.FORMATS, PARQUET)
_PARQUET_SUFFIXES = (".parquet", ".pq")


@dataclass(frozen=True)
class InputFile:
    """A file of rows, as it was when the job looked at it.

    Attributes:
        path: absolute; "-" is standard input.
        format: one of INPUT_FORMATS.
        size: bytes.
        modified: when it was written last, in nanoseconds.
    """

    path: str
    format: str
    size: int
    modified: int

    @property
    def compressed(self) -> bool:
        """Whether its rows lie elsewhere than its bytes."""
        return is_compressed(Path(self.path))

    def check(self) -> None:
        """Refuse a file that isn't any more what it was. Raises: InputError: it says how."""
        if self.path == STDIN:
            return
        now = stat_file(Path(self.path), self.format)
        if now.size != self.size:
            raise InputError(
                f"{self.path} had {self.size} bytes and has {now.size}: it changed while the job"
                " read it; run the job again with --restart when nothing writes to it any more"
            )
        if now.modified != self.modified:
            raise InputError(
                f"{self.path} was written while the job read it; run the job again when nothing"
                " writes to it any more: what changed is told by the rows' hashes"
            )


def standard_input(format: str | None) -> InputFile:
    """Give standard input as a file; plain lines unless said otherwise.

    Raises: InputError: Parquet, whose end comes first.
    """
    if format == PARQUET:
        raise InputError("Parquet can't be read from standard input; name the file, or --spool DIR")
    return InputFile(STDIN, format or "lines", 0, 0)


def stat_file(path: Path, format: str) -> InputFile:
    """Look at a file. Raises: InputError: there is none, or none that can be read."""
    try:
        stat = path.stat()
        if not os.access(path, os.R_OK):
            raise InputError(f"{path}: Permission denied")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return InputFile(str(path.absolute()), format, stat.st_size, stat.st_mtime_ns)


def find_files(inputs: Iterable[str], format: str | None = None) -> tuple[InputFile, ...]:
    """Find the files that are meant.

    Args:
        inputs: files; directories, whose files are taken at any depth, but for names that begin
            with a dot or an underscore; and patterns with *, ? or **. Each name's in the order of
            their paths.
        format: of all of them, whatever their names say.
    Raises: InputError: a name that means nothing, or a file of no known format.
    """
    found: dict[Path, InputFile] = {}
    for name in inputs:
        for path in _expand(name):
            found.setdefault(path.absolute(), stat_file(path, format or format_of(path)))
    return tuple(found.values())


def format_of(path: Path) -> str:
    """Tell a file's format from its name. Raises: InputError: it doesn't tell."""
    if path.suffix.lower() in _PARQUET_SUFFIXES:
        return PARQUET
    return tables.format_of(path)


def _expand(name: str) -> Iterator[Path]:
    """Give the files that one name means."""
    path = Path(name)
    if path.is_dir():
        yield from _files_in(path)
    elif path.exists() or not has_magic(name):
        yield path
    else:
        fixed = Path(*takewhile(lambda part: not has_magic(part), path.parts))
        matches = sorted(fixed.glob(str(path.relative_to(fixed))))
        files = [match for match in matches if match.is_file()]
        if not files:
            raise InputError(f"no file matches {name!r}")
        yield from files


def _files_in(directory: Path) -> Iterator[Path]:
    """Give a directory's files, at any depth."""
    files = []
    for path in sorted(directory.rglob("*")):
        parts = path.relative_to(directory).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in parts):
            files.append(path)
    if not files:
        raise InputError(f"{directory} has no files in it, expected some to read")
    yield from files
