"""Holding a model's files against the table: what changes a result and isn't read is refused."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.errors import BertieError, CheckpointError
from bertie.known.record import NOTED, REFUSED, Known


def check(
    rows: Iterable[Known],
    content: Mapping[str, Any],
    name: str,
    *,
    where: str = "",
    error: type[BertieError] = CheckpointError,
) -> tuple[str, ...]:
    """Hold one file against its rows.

    Args:
        rows: those of this file; one that ends in "*" leaves keys with rows of their own alone.
        content: the JSON object in it.
        name: what messages call the file.
        where: the class that the file is for, such as a module's.
        error: what a refusal is.
    Returns: a sentence for each key that is noted.
    Raises: CheckpointError, or error: a refused key has a value that isn't neutral.
    """
    own = [row for row in rows if row.key and (not row.where or where in row.where)]
    named = [row.key for row in own if "*" not in row.key]
    notes = []
    for row in own:
        if row.mark not in (REFUSED, NOTED):
            continue
        for path, value, whole in _values(content, row.key.split(".")):
            if "*" in row.key and any(_within(key, path) for key in named):
                continue
            if value is None or (whole and any(_same(value, one) for one in row.neutral)):
                continue
            if not whole:
                raise error(f"{name}: {path} is {shown(value)}, expected an object")
            seen = f"{name}: {path} is {shown(value)}, which {row.effect}"
            if row.mark == REFUSED:
                raise error(f"{seen}; nothing here does that: {row.instead}")
            notes.append(seen)
    return tuple(notes)


def check_files(rows: Iterable[Known], directory: Path) -> tuple[str, ...]:
    """Hold the files of a directory against the rows that are about whole files.

    Args:
        rows: any; of those without a key, file is a name or a pattern.
        directory: the encoder's.
    Returns: a sentence for each file that is noted.
    Raises: CheckpointError: a file is there that is refused, whatever it holds.
    """
    notes = []
    for row in rows:
        if row.key or row.mark not in (REFUSED, NOTED) or row.where:
            continue
        for path in sorted(directory.glob(row.file)):
            seen = f"{directory} has {path.relative_to(directory).as_posix()}, which {row.effect}"
            if row.mark == REFUSED:
                raise CheckpointError(f"{seen}; nothing here does that: {row.instead}")
            notes.append(seen)
    return tuple(notes)


def unlisted(
    rows: Iterable[Known],
    content: Mapping[str, Any],
    name: str,
    where: str = "",
    framework: str = "sentence-transformers",
) -> tuple[str, ...]:
    """Name the keys of a file that no row is about, private ones and those of null apart.

    Args: as check.
        where: the class that the file is for; "" where it may be any of the rows'.
        framework: what messages call the one whose file it is.
    Returns: a sentence, or none.
    """
    own = (row for row in rows if not (row.where and where) or where in row.where)
    listed = {row.key.partition(".")[0] for row in own}
    keys = sorted(
        key
        for key, value in content.items()
        if key not in listed and not key.startswith("_") and key.isprintable() and value is not None
    )
    some = ", ".join(key[:40] for key in keys[:8]) + (", …" if len(keys) > 8 else "")
    said = f"{name} has {some}, which neither {framework} nor Bertie reads"
    said += f" for {where}" * bool(where)
    return (f"{said}: code of the model's own may have",) if keys else ()


def _values(content: Any, keys: list[str], path: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Find a key's values, each with its path; "*" is every key of an object.

    Returns: also whether the whole key was found, rather than something that isn't an object
        before its end.
    """
    if not keys:
        yield path, content, True
    elif not isinstance(content, Mapping):
        yield path, content, False
    else:
        for name in list(content) if keys[0] == "*" else [keys[0]]:
            if name in content:
                yield from _values(content[name], keys[1:], f"{path}.{name}".lstrip("."))


def _within(key: str, path: str) -> bool:
    """Tell whether a row's key is a path, or is inside it."""
    return key == path or key.startswith(f"{path}.")


def _same(value: Any, other: Any) -> bool:
    """Compare as JSON does, in which true isn't 1."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
