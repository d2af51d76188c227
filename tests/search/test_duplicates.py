"""Rows that say nearly the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import InputError
from bertie.search import Index
from bertie.search.duplicates import group_vectors, near_duplicates


def turned(*degrees: float) -> np.ndarray:
    """Vectors of length 1 by their angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def members(vectors: np.ndarray, threshold: float) -> dict[int, list[int]]:
    groups = group_vectors(vectors, threshold)
    return {first: sorted(row for row, _ in found) for first, found in groups.items()}


def test_every_member_is_near_to_the_groups_first_row() -> None:
    # A chain: each is within 10 degrees of the next, but the ends are far from one another.
    vectors = turned(0, 9, 18, 27, 90)
    threshold = float(np.cos(np.radians(10)))
    assert members(vectors, threshold) == {0: [1], 2: [3]}
    found = group_vectors(vectors, threshold)
    assert found[0] == [(1, pytest.approx(np.cos(np.radians(9)), abs=1e-6))]


def test_a_row_joins_the_nearest_first_row() -> None:
    vectors = turned(0, 20, 12)
    assert members(vectors, float(np.cos(np.radians(15)))) == {1: [2]}


def test_copies_are_together_however_many() -> None:
    vectors = np.concatenate([turned(0), turned(50), np.repeat(turned(1), 500, axis=0)])
    assert members(vectors, 0.999) == {0: list(range(2, 502))}
    assert members(vectors, 1.0) == {2: list(range(3, 502))}
    assert members(vectors[:2], 0.9) == {}


def test_the_rows_of_an_index_are_grouped_by_their_keys(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    texts = ["a child reads", "rain falls on the street", "a child reads", "a child reads"]
    index.add({"id": n, "text": text} for n, text in enumerate(texts))
    (group,) = near_duplicates(index, 0.99999)
    assert (group.key, group.text) == ("0", "a child reads")
    assert [(one.key, one.text) for one in group.duplicates] == [
        ("2", "a child reads"),
        ("3", "a child reads"),
    ]
    assert group.duplicates[0].score == pytest.approx(1)
    with pytest.raises(InputError, match=r"threshold is 1\.5"):
        near_duplicates(index, 1.5)


def test_an_empty_index_has_no_duplicates(tmp_path: Path, embedder: Any) -> None:
    assert near_duplicates(Index.create(tmp_path / "index", model=embedder)) == []
