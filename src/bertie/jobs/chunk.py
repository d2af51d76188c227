"""A chunk of rows, as they are read of the input for one shard."""

from dataclasses import dataclass
from typing import Any

from bertie.tables import Bad


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of one file.

    Attributes:
        rows: the fields of each good row, or an Arrow table of them.
        numbers: each good row's number in its file, from 1 on, and the line that it ends on; 0
            where the file has no lines.
        bad: the rows that can't be read.
    """

    rows: Any
    numbers: list[tuple[int, int]]
    bad: list[Bad]
