"""A bundle packed into one file: an uncompressed zip that lists its files in bertie.json."""

import zipfile
from pathlib import Path

from bertie.errors import CheckpointError, SourceError
from bertie.sources import archive
from bertie.sources.bundles import LARGEST, NAME, decode_content, listed_files
from bertie.sources.progress import Progress


def content_hash(path: Path) -> str:
    """Give the hash that tells a packed bundle from any other, without reading all of it.

    Raises: SourceError: it isn't a zip file with a bertie.json.
    Raises: CheckpointError: its bertie.json is damaged.
    """
    return str(_content(path)["sha256"])


def unpack(path: Path, into: Path, progress: Progress) -> str:
    """Unpack a bundle; the caller checks its hashes.

    Args:
        path: the packed bundle.
        into: an existing, empty directory.
    Returns: where the bundle was made from.
    Raises: SourceError: it isn't a zip file, is damaged, or holds paths that can't be trusted.
    Raises: CheckpointError: its bertie.json is damaged, or lists other files.
    """
    names = archive.member_names(path)
    manifest = listed_files(_content(path))
    if set(names) != {NAME, *manifest.files}:
        odd = sorted(set(names) ^ {NAME, *manifest.files})
        raise CheckpointError(
            f"{path.name} holds other files than its {NAME} lists: {', '.join(odd)};"
            " pack the bundle again"
        )
    archive.extract(path, "", names, into, progress)
    return str(path)


def _content(path: Path) -> dict[str, object]:
    """Read bertie.json out of a packed bundle."""
    try:
        with zipfile.ZipFile(path) as packed:
            if (size := packed.getinfo(NAME).file_size) > LARGEST:
                raise SourceError(f"{path}: {NAME} has {size} bytes, expected at most {LARGEST}")
            return decode_content(packed.read(NAME))
    except KeyError:
        raise SourceError(f"{path} has no {NAME}, expected a bundle packed by export") from None
    except archive.BROKEN as error:
        raise SourceError(f"{path} can't be read as a packed bundle: {error}") from error
