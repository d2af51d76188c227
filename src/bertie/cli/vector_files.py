"""Files of vectors: JSONL, CSV and NumPy's own format, a file whole or not at all."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bertie.cli.atomic_output import atomic_output
from bertie.cli.output import csv_cell, json_line
from bertie.errors import InputError

COLUMN = "embedding"
_HEADER = 128  # bytes of a .npy header, which leaves room for any number of rows

Records = Iterable[tuple[Mapping[str, Any], NDArray[np.float32]]]


def vector_line(fields: Mapping[str, Any], vector: NDArray[np.float32]) -> str:
    """One line of JSON: the fields and the vector, each number exact to its last bit.

    Raises: InputError: there is a field of the vector's name.
    """
    if COLUMN in fields:
        raise InputError(f"a column is called {COLUMN!r} already; rename it")
    start = json_line(fields, as_read=True)[:-1]
    comma = ", " if fields else ""
    return f'{start}{comma}"{COLUMN}": [{", ".join(_numbers(vector))}]}}'


def write_vectors(path: Path, records: Records, dimensions: int) -> int:
    """Write vectors to a file in the format that its suffix names.

    Returns: how many vectors.
    Raises: InputError: the file can't be written; what was there before is still there.
    """
    writer = {".jsonl": _jsonl, ".csv": _csv, ".npy": _npy}[path.suffix.lower()]
    with atomic_output(path) as file:
        return writer(file, records, dimensions)


def _jsonl(file: IO[bytes], records: Records, _: int) -> int:
    count = 0
    for fields, vector in records:
        file.write(vector_line(fields, vector).encode() + b"\n")
        count += 1
    return count


def _csv(file: IO[bytes], records: Records, dimensions: int) -> int:
    """The fields, then a column for each number: e0, e1, …"""
    out = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(out)
    numbers = [f"e{index}" for index in range(dimensions)]
    columns: list[str] | None = None
    count = 0
    for fields, vector in records:
        if columns is None:
            columns = list(fields)
            if clash := set(columns) & set(numbers):
                raise InputError(f"a column is called {min(clash)!r} already; rename it")
            writer.writerow([*map(csv_cell, columns), *numbers])
        if list(fields) != columns:
            raise InputError(
                f"row {count + 1} has the keys {list(fields)}, the first row has {columns}; "
                "CSV needs the same in every row, .jsonl does not"
            )
        writer.writerow([*map(csv_cell, fields.values()), *_numbers(vector)])
        count += 1
    out.flush()
    out.detach()
    return count


def _npy(file: IO[bytes], records: Records, dimensions: int) -> int:
    """A float32 array (rows, dimensions); its header is known, and written, last."""
    file.write(b" " * _HEADER)
    count = 0
    for _, vector in records:
        file.write(vector.astype("<f4", copy=False).tobytes())
        count += 1
    description = {"descr": "<f4", "fortran_order": False, "shape": (count, dimensions)}
    text = f"{description}".ljust(_HEADER - 11) + "\n"
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + text.encode())
    return count


def _numbers(vector: NDArray[np.float32]) -> Iterator[str]:
    """The numbers of a vector; nine digits are enough for a float32 to come back exactly."""
    return map("{:.9g}".format, vector.tolist())
