"""A checkpoint's small files: JSON objects, and names that must stay in the directory."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from reprlib import repr as shown
from typing import Any

from bertie.errors import CheckpointError

# In bytes. The largest real one, a tokenizer.json of 250 000 tokens, has 20 MB.
_LARGEST_JSON = 256 * 2**20


def read_json(path: Path, where: str | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        where: what messages call it; its name if not given.
    Raises: CheckpointError: it can't be read, or isn't JSON.
    """
    where = where or path.name
    try:
        size = path.stat().st_size
        if size > _LARGEST_JSON:
            raise CheckpointError(
                f"{where} has {size} bytes, expected at most {_LARGEST_JSON} of a settings file"
            )
        return json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{where} can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is not JSON: {error}") from error


def read_object(path: Path, where: str | None = None) -> dict[str, Any]:
    """Read a JSON object, as read_json does; anything else in the file is a CheckpointError."""
    value = read_json(path, where)
    if not isinstance(value, dict):
        raise CheckpointError(f"{where or path.name} holds {shown(value)}, expected a JSON object")
    return value


def read_flag(raw: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
    """Read a flag of a JSON object. Raises: CheckpointError: it is neither true nor false."""
    value = raw.get(key, default)
    if type(value) is not bool:
        raise CheckpointError(f"{where}: {key} is {shown(value)}, expected true or false")
    return value


def require_positive(value: Any, what: str, expected: str) -> int:
    """Check a number above 0.

    Args:
        value: what a JSON object holds.
        what: the file and key, for messages.
        expected: what messages say of it.
    Raises: CheckpointError: it is no whole number, or less.
    """
    if type(value) is not int or value < 1:
        raise CheckpointError(f"{what} is {shown(value)}, expected {expected}")
    return value


def resolve_inside(directory: Path, name: Any, where: str) -> Path:
    """Resolve a path that a file states, which may not lead out of the directory.

    Links are followed as they are: a hub's cache is made of links.

    Args:
        directory: the checkpoint's.
        name: the stated path, relative to it.
        where: who states it, for messages.
    Raises: CheckpointError: the path is not text, is absolute or climbs out.
    """
    if not isinstance(name, str) or "\0" in name or "\\" in name:
        raise CheckpointError(f"{where} names {shown(name)}, expected a path in the directory")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise CheckpointError(
            f"{where} names {shown(name)}, which leads out of the checkpoint's directory"
        )
    return directory / path
