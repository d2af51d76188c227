"""The indexes that a server searches in."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bertie.errors import InputError
from bertie.search import Index


def mounted(words: Iterable[str]) -> Mapping[str, Index]:
    """Open indexes, without their models: queries are embedded by the server's.

    Args:
        words: NAME=DIRECTORY of each, or a directory, whose own name is taken.
    Returns: indexes by name, in the order given.
    Raises: InputError: one isn't there or is damaged; two have one name.
    Raises: ExtraMissing: LanceDB isn't installed.
    """
    found: dict[str, Index] = {}
    for word in words:
        name, separator, directory = word.partition("=")
        if not separator or "/" in name:
            name, directory = Path(word).resolve().name, word
        if not name or not directory:
            raise InputError(f"indexes: {word!r} is neither a directory nor NAME=DIRECTORY")
        if name in found:
            raise InputError(f"indexes: two are called {name!r}: name them, NAME=DIRECTORY")
        found[name] = Index.open(directory)
    return found
