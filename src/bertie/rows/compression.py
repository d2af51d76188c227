"""Compressed files: known by their names' suffixes, and read as if they weren't."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from bertie.errors import ExtraMissing, InputError


def is_compressed(path: Path) -> bool:
    """Whether a file's name says that it is compressed."""
    return path.suffix.lower() in _COMPRESSIONS


def open_file(path: Path) -> BinaryIO:
    """Open a file to read; what is compressed is read decompressed.

    Raises: InputError: there is none, or it can't be opened.
    Raises: ExtraMissing: .zst needs pyarrow.
    """
    opener = _COMPRESSIONS.get(path.suffix.lower(), _plain)
    try:
        file: BinaryIO = opener(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return file


def _plain(path: Path) -> BinaryIO:
    """Open a file as it is."""
    return path.open("rb")


def _zstandard(path: Path) -> Any:
    """Decompress with pyarrow, for the standard library has it from Python 3.14 on."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ExtraMissing("reading .zst needs pyarrow: pip install 'bertie[tables]'") from error
    return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))


_COMPRESSIONS: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstandard,
}
