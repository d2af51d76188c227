"""Vectors kept on the disk, by the texts and the model that they come from."""

import contextlib
import hashlib
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
_CHECK = 4  # bytes of CRC-32 behind the floats: damage, not malice, is what it finds


def key_of(texts: Iterable[str], fingerprint: str) -> str:
    """Name the vectors that a model gives for texts, in hexadecimal."""
    digest = hashlib.sha256(fingerprint.encode())
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def load(key: str, rows: int, dimensions: int) -> NDArray[np.float32] | None:
    """Read the vectors of a key, not to be written to; None where there are none or not whole."""
    path = _path(key)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    values = memoryview(data)[:-_CHECK]
    if len(values) != rows * dimensions * 4 or _check(values) != data[-_CHECK:]:
        warnings.warn(f"{path} is damaged; its vectors are computed anew", stacklevel=2)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    return np.frombuffer(values, "<f4").reshape(rows, dimensions)


def store(key: str, vectors: NDArray[np.float32]) -> bool:
    """Keep vectors under a key, whole or not at all.

    Returns: False where the disk refuses or they are larger than all may be; nothing is lost then
        but time.
    """
    data = vectors.astype("<f4", copy=False).tobytes()
    path = _path(key)
    if len(data) + _CHECK > LARGEST:
        return False
    unfinished = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=".", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.write(_check(data))
        Path(unfinished).replace(path)
        _make_room(path)
    except OSError:
        if unfinished is not None:
            Path(unfinished).unlink(missing_ok=True)
        return False
    return True


def _check(values: bytes | memoryview) -> bytes:
    """What tells whether bytes are still the same."""
    return zlib.crc32(values).to_bytes(_CHECK, "little")


def _path(key: str) -> Path:
    return cache_directory() / "vectors" / f"{key}.f32.crc32"


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
