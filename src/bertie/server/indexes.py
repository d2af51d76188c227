"""The indexes that a server searches in."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bertie.errors import InputError
from bertie.search import Index


def open_indexes(texts: Iterable[str]) -> Mapping[str, Index]:
    """Open indexes, without their models: queries are embedded by the server's.

    Args:
        texts: NAME=DIRECTORY of each, or a directory, whose own name is taken.
    Returns: indexes by name, in the order given.
    Raises: InputError: one isn't there or is damaged; two have one name.
    Raises: ExtraMissing: LanceDB isn't installed.
    """
    found: dict[str, Index] = {}
    for text in texts:
        name, separator, directory = text.partition("=")
        if not separator or "/" in name:
            name, directory = Path(text).resolve().name, text
        if not name or not directory:
            raise InputError(f"indexes: {text!r} is neither a directory nor NAME=DIRECTORY")
        if name in found:
            raise InputError(f"indexes: two are called {name!r}: name them, NAME=DIRECTORY")
        found[name] = Index.open(directory)
    return found
