"""Vectors kept on the disk, by the texts and the model that they come from."""

import contextlib
import hashlib
import io
import os
import tempfile
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertie.sources import cache_directory

LARGEST = 1 << 30  # bytes that all of them together may take; the longest unused go first
_CHECK = 4  # bytes of CRC-32 before the .npy data: damage, not malice, is what it finds


def key_of(texts: Iterable[str], fingerprint: str) -> str:
    """Name the vectors that a model gives for texts, in hexadecimal."""
    digest = hashlib.sha256(fingerprint.encode())
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def load(key: str, rows: int, dimensions: int) -> NDArray[np.float32] | None:
    """Read the vectors of a key; None where there are none, or not whole, or of another shape."""
    path = _path(key)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    vectors = _unpacked(data)
    if vectors is None or vectors.shape != (rows, dimensions):
        warnings.warn(f"{path} is damaged; its vectors are computed anew", stacklevel=2)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    return vectors


def store(key: str, vectors: NDArray[np.float32]) -> bool:
    """Keep vectors under a key, whole or not at all.

    Returns: False where the disk refuses or they are larger than all may be; nothing is lost then
        but time.
    """
    packed = io.BytesIO()
    np.save(packed, vectors, allow_pickle=False)
    data = packed.getvalue()
    path = _path(key)
    if len(data) > LARGEST:
        return False
    unfinished = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=".", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_check(data))
            file.write(data)
        Path(unfinished).replace(path)
        _make_room(path)
    except OSError:
        if unfinished is not None:
            Path(unfinished).unlink(missing_ok=True)
        return False
    return True


def _unpacked(data: bytes) -> NDArray[np.float32] | None:
    """The array in a file's bytes, where they are what was written."""
    content = memoryview(data)[_CHECK:]
    if _check(content) != data[:_CHECK]:
        return None
    try:
        vectors: NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    return vectors if vectors.dtype == np.float32 else None


def _check(content: bytes | memoryview) -> bytes:
    """What tells whether bytes are still the same."""
    return zlib.crc32(content).to_bytes(_CHECK, "little")


def _path(key: str) -> Path:
    return cache_directory() / "vectors" / f"{key}.npy.crc32"


def _make_room(newest: Path) -> None:
    """Remove what has been unused longest until the rest fits, the newest excepted."""
    kept = sorted(
        ((path.stat().st_mtime, path.stat().st_size, path) for path in newest.parent.iterdir()),
    )
    total = sum(size for _, size, _ in kept)
    for _, size, path in kept:
        if total <= LARGEST:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size
