"""Writing safetensors, a tensor at a time."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.tensor import DTYPE_BITS
from bertie.sources.progress import Progress, silent

# The data begins at a multiple of so many bytes, as wide as the widest vector register.
_ALIGNMENT = 64
_PIECE = 16 * 2**20  # bytes written at a time


@dataclass(frozen=True, eq=False)
class Part:
    """One tensor to be written.

    Attributes:
        name: its name in the file.
        dtype: safetensors' word for its type.
        shape: the length of each axis.
        data: gives its elements, one after another.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Callable[[], NDArray[Any]]

    @property
    def bytes(self) -> int:
        """What it takes in the file."""
        return prod(self.shape) * DTYPE_BITS[self.dtype] // 8


def write_safetensors(path: Path, parts: Sequence[Part], progress: Progress = silent) -> None:
    """Write a file of tensors; one of them is in memory at a time.

    Args:
        path: a file that doesn't exist yet.
        parts: the tensors. Those of the widest elements come first, so that all lie aligned.
        progress: told how far it is, in bytes.
    Raises: OSError: the disk refuses.
    """
    ordered = sorted(parts, key=lambda part: (-DTYPE_BITS[part.dtype], part.name))
    total = sum(part.bytes for part in ordered)
    with path.open("xb") as file:
        file.write(_header(ordered))
        done = 0
        for part in ordered:
            data = np.ascontiguousarray(part.data()).reshape(-1).view(np.uint8)
            assert data.size == part.bytes, f"{part.name} has another size than announced"
            for start in range(0, data.size, _PIECE):
                piece = data[start : start + _PIECE]
                file.write(piece.data)
                done += piece.size
                progress("writing", done, total)
        file.flush()
        os.fsync(file.fileno())


def _header(parts: Sequence[Part]) -> bytes:
    """Spell the header, filled up with blanks."""
    entries: dict[str, Any] = {}
    end = 0
    for part in parts:
        begin, end = end, end + part.bytes
        entries[part.name] = {
            "dtype": part.dtype,
            "shape": list(part.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
