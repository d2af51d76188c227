"""Models that lie on this machine."""

import os
from pathlib import Path

SUFFIX = ".bertie"  # of a packed bundle


def is_local(source: str | os.PathLike[str]) -> bool:
    """Tell whether a source is a directory, or a bundle in one file, that exists here."""
    path = Path(source)
    return path.is_dir() or (path.suffix == SUFFIX and path.is_file())
