"""Models that lie on this machine."""

import os
from pathlib import Path

SUFFIX = ".bertie"  # of a packed bundle


def is_local(source: str | os.PathLike[str]) -> bool:
    """Tell whether a source is a directory, or a bundle in one file, that exists here."""
    path = Path(source)
    return path.is_dir() or (path.suffix == SUFFIX and path.is_file())


def absolute_source(source: str | Path) -> str | Path:
    """Give a source as it is understood from any working directory."""
    return Path(source).absolute() if is_local(source) else source
