"""Standard input kept in a file, so that a job can go on after it was broken off."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bertie.errors import InputError
from bertie.jobs.files import STDIN, InputFile
from bertie.system.disk import atomic_file, remove_unfinished


def spool_stdin(directory: Path, stream: Any, format: str, say: Callable[[str], None]) -> Path:
    """Keep standard input, or find it kept.

    Args:
        directory: where; it is made if need be.
        stream: standard input.
        format: of its rows.
        say: is told that what was kept is used.
    Returns: the file.
    Raises: InputError: the disk refuses it.
    """
    path = directory / f"input.{format}"
    if path.is_file():
        say(f"{path} has an earlier run's standard input, which is read; else remove it")
        return path
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{directory} can't be made: {error.strerror}") from error
    remove_unfinished(directory)
    with atomic_file(path) as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return path


@contextmanager
def rewindable(file: InputFile, stream: Any, directory: Path) -> Iterator[Any]:
    """Let standard input be read twice, where it is JSONL.

    Args:
        file: the input's first.
        stream: standard input, if it is read.
        directory: where what it says is kept meanwhile.
    Returns: the stream, or a copy of it that can be read from its beginning again.
    """
    if file.path != STDIN or file.format != "jsonl":
        yield stream
        return
    with TemporaryFile(dir=directory) as copy:
        try:
            shutil.copyfileobj(stream, copy, 1 << 20)
        except OSError as error:
            raise InputError(f"{directory} can't be written: {error.strerror}") from error
        copy.seek(0)
        yield copy
