"""Holding a model's files against the table: what changes a result and isn't read is refused."""

from collections.abc import Iterable, Iterator, Mapping
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
        rows: those of this file.
        content: the JSON object in it.
        name: what messages call the file.
        where: the class that the file is for, such as a module's.
        error: what a refusal is.
    Returns: a sentence for each key that is noted.
    Raises: CheckpointError, or error: a refused key has a value that isn't neutral.
    """
    notes = []
    for row in rows:
        if row.mark not in (REFUSED, NOTED) or not row.key:
            continue
        if row.where and where not in row.where:
            continue
        for path, value in _values(content, row.key.split(".")):
            if value is None or any(_same(value, one) for one in row.neutral):
                continue
            seen = f"{name}: {path} is {shown(value)}, which {row.effect}"
            if row.mark == REFUSED:
                raise error(f"{seen}; nothing here does that: {row.instead}")
            notes.append(seen)
    return tuple(notes)


def _values(content: Any, keys: list[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Find a key's values, each with its path; "*" is every key of an object."""
    if not keys:
        yield path, content
    elif isinstance(content, Mapping):
        for name in list(content) if keys[0] == "*" else [keys[0]]:
            if name in content:
                yield from _values(content[name], keys[1:], f"{path}.{name}".lstrip("."))


def _same(value: Any, other: Any) -> bool:
    """Compare as JSON does, in which true isn't 1."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
