"""Which models lie in the cache, and whether they are whole."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bertie.sources.manifest import NAME, Manifest

_LEVELS = 4  # of directories that a key has at most; a link that leads back must end somewhere


@dataclass(frozen=True)
class CachedModel:
    """A model in the cache.

    Attributes:
        key: its directory below the cache's models.
        source: the name that it was asked for by; None: its manifest is missing or damaged.
        bytes: of its files, as they are.
        damage: what is wrong by the files' sizes; nothing: it is whole.
    """

    key: str
    source: str | None
    bytes: int
    damage: tuple[str, ...]


def cached_models(home: Path) -> list[CachedModel]:
    """List the models of a cache by their keys; none where it doesn't exist.

    Args:
        home: the cache's directory.
    Raises: OSError: it can't be read.
    """
    models = home / "models"
    if not os.path.lexists(models):
        return []
    return [_check_model(directory, models) for directory in _find_models(models, _LEVELS)]


def size_of(directory: Path) -> int:
    """Add up the bytes of the files below a directory; 0 where it doesn't exist.

    Raises: OSError: it is no directory, or one in it can't be read.
    """
    size = 0
    for folder, _, names in os.walk(directory, onerror=_raise):
        for name in names:
            with suppress(FileNotFoundError):  # which another process removed meanwhile
                size += Path(folder, name).lstat().st_size
    return size


def _raise(error: OSError) -> None:
    """Stop at what can't be read, but not at what isn't there."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _find_models(directory: Path, levels: int) -> list[Path]:
    """Find what has a manifest, and what has files without one anywhere below."""
    if (directory / NAME).is_file():
        return [directory]
    entries = sorted(directory.iterdir())
    below = [
        model
        for entry in entries
        if levels and entry.is_dir()
        for model in _find_models(entry, levels - 1)
    ]
    lost = any(entry.is_file() for entry in entries)
    return [directory] if lost and not any((one / NAME).is_file() for one in below) else below


def _check_model(directory: Path, models: Path) -> CachedModel:
    """Hold a model's files against its manifest."""
    manifest = Manifest.read(directory)
    if manifest is None:
        damage = [f"{NAME} is missing or can't be read"]
    else:
        damage = manifest.damage(directory, hashes=False)
    return CachedModel(
        directory.relative_to(models).as_posix(),
        None if manifest is None else manifest.source,
        size_of(directory),
        tuple(damage),
    )
