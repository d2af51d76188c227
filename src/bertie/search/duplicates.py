"""Rows that say nearly the same."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bertie.calls.records import Record
from bertie.search.neighbours import Floats, Progress, near_pairs

if TYPE_CHECKING:
    from bertie.search.index import Index

THRESHOLD = 0.95


@dataclass(frozen=True)
class Duplicate(Record):
    """A row that says nearly what another says.

    Attributes:
        key: the row's.
        score: the cosine of the two rows' vectors, computed in float64.
        text: the row's.
    """

    key: str
    score: float
    text: str


@dataclass(frozen=True)
class Group(Record):
    """Rows that say nearly the same.

    Attributes:
        key, text: those of the first row.
        duplicates: the others, the nearest to it first.
    """

    key: str
    text: str
    duplicates: list[Duplicate]


def near_duplicates(
    index: "Index", threshold: float = THRESHOLD, progress: Progress = lambda done, of: None
) -> list[Group]:
    """Group the rows of an index that say nearly the same.

    Rows are taken in their order: one that is near to the first row of a group joins the group
    whose first row is nearest, any other begins one. So whatever is deleted of a group, its first
    row stays and is as near as the threshold says.

    Args:
        threshold: the least cosine, above 0, at most 1.
        progress: called with rows compared, and those there are.
    Returns: groups of two rows and more, the largest first.
    Raises: InputError: a threshold out of its range.
    """
    column = index.settings.column
    rows, vectors = index.vectors([column])
    groups = [
        Group(
            rows[first]["key"],
            rows[first]["fields"][column],
            [Duplicate(rows[n]["key"], score, rows[n]["fields"][column]) for n, score in others],
        )
        for first, others in group_vectors(vectors, threshold, progress).items()
    ]
    return sorted(groups, key=lambda group: -len(group.duplicates))


def group_vectors(
    vectors: Floats, threshold: float, progress: Progress = lambda done, of: None
) -> dict[int, list[tuple[int, float]]]:
    """Group vectors that are near to one another.

    Args, Raises: as near_pairs.
    Returns: by each group's first row, the others with their cosines, the nearest first.
    """
    same: dict[bytes, int] = {}  # thousands of copies make millions of pairs: one stands for all
    first_of = np.array([same.setdefault(row.tobytes(), n) for n, row in enumerate(vectors)], int)
    distinct = np.flatnonzero(first_of == np.arange(len(vectors)))
    earlier: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for one, two, cosine in near_pairs(vectors[distinct], threshold, progress):
        earlier[int(distinct[two])].append((cosine, int(distinct[one])))
    joined: dict[int, tuple[int, float]] = {}
    groups: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for row in range(len(vectors)):
        first = int(first_of[row])
        if first != row:  # the very vector that an earlier row has
            joined[row] = joined.get(first, (first, _cosine(vectors, first, first)))
        else:
            near = [(cosine, one) for cosine, one in earlier.get(row, ()) if one not in joined]
            if not near:
                continue
            cosine, best = max(near, key=lambda pair: (pair[0], -pair[1]))
            joined[row] = (best, cosine)
        best, cosine = joined[row]
        groups[best].append((row, cosine))
    return {first: sorted(found, key=lambda pair: -pair[1]) for first, found in groups.items()}


def _cosine(vectors: Floats, one: int, two: int) -> float:
    """The cosine of two rows in float64."""
    return float(vectors[one].astype(np.float64) @ vectors[two].astype(np.float64))
