"""A bundle's list of its own files: what pulling, unpacking and checking hold the files against."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertie.errors import CheckpointError
from bertie.sources.progress import Progress, silent

if TYPE_CHECKING:
    from bertie.sources.manifest import Manifest

NAME = "bertie.json"
# In bytes; a thousand tensors and their report take a few hundred thousand.
LARGEST = 64 * 2**20
# The last lines are a hash over all bytes before them.
_END = ',\n  "sha256": "{}"\n}}\n'
_END_LENGTH = len(_END.format("0" * 64))


def encode_content(content: Mapping[str, Any]) -> bytes:
    """Write a bertie.json, with a hash over itself at its end."""
    text = json.dumps(content, indent=2, ensure_ascii=False).removesuffix("\n}").encode()
    return text + _END.format(hashlib.sha256(text).hexdigest()).encode()


def decode_content(data: bytes) -> dict[str, Any]:
    """Read a bertie.json.

    Raises: CheckpointError: it isn't as it was written.
    """
    text, end = data[:-_END_LENGTH], data[-_END_LENGTH:]
    if end != _END.format(hashlib.sha256(text).hexdigest()).encode():
        raise CheckpointError(
            f"{NAME} is not as it was written: its last line isn't the SHA-256 of what stands"
            " before it; copy the bundle again, or export it anew"
        )
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{NAME} is not JSON: {error}; export the bundle anew") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{NAME} holds no JSON object; export the bundle anew")
    return content


def is_bundle(directory: Path) -> bool:
    """Tell whether a directory is a bundle, whole or not."""
    return (directory / NAME).is_file()


def read_content(directory: Path) -> dict[str, Any]:
    """Read a directory's bertie.json.

    Raises: CheckpointError: it can't be read, or isn't as it was written.
    """
    path = directory / NAME
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise CheckpointError(f"{NAME} has {size} bytes, expected at most {LARGEST}")
        return decode_content(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error


def listed_files(content: Mapping[str, Any]) -> "Manifest":
    """Read which files a bertie.json lists.

    Raises: CheckpointError: the list is broken, or a path leads out of the bundle.
    """
    from bertie.sources.manifest import File, Manifest  # here because loading a model lists nothing

    try:
        files = {
            str(name): File(int(file["bytes"]), str(file["sha256"]))
            for name, file in content["files"].items()
        }
        source = str(content["provenance"]["source"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{NAME} doesn't list the bundle's files with their bytes and sha256; export it anew"
        ) from error
    for name in files:
        if "\\" in name or "\0" in name or any(p in ("", ".", "..") for p in name.split("/")):
            raise CheckpointError(f"{NAME} lists {name!r}, which leads out of the bundle")
    return Manifest(source, source, files)


def damage(directory: Path, progress: Progress = silent) -> list[str]:
    """Say in what a bundle differs from what was exported, in any bit of any file.

    Args:
        directory: the bundle's.
        progress: told how far it is, in bytes.
    Returns: a sentence for each damaged, missing or additional file.
    """
    from bertie.sources.manifest import NAME as CACHE_MANIFEST

    try:
        manifest = listed_files(read_content(directory))
    except CheckpointError as error:
        return [str(error)]
    found = manifest.damage(directory, hashes=True, progress=progress)
    expected = {NAME, CACHE_MANIFEST, *manifest.files}
    names = (p.relative_to(directory).as_posix() for p in directory.rglob("*") if not p.is_dir())
    found += [f"{name} is not part of the bundle" for name in sorted(set(names) - expected)]
    return found


def require_intact(directory: Path, progress: Progress = silent) -> None:
    """Refuse a bundle that isn't as it was exported. Raises: CheckpointError: with the damage."""
    found = damage(directory, progress)
    if found:
        raise CheckpointError(
            f"{directory} is damaged: {'; '.join(found)}; copy the bundle again, or export it anew"
        )
