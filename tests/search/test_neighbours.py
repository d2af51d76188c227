"""Every vector against every other."""

import numpy as np
import pytest

from bertie.errors import InputError
from bertie.search import neighbours


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 7)


def some_vectors() -> np.ndarray:
    random = np.random.default_rng(3)
    vectors = random.standard_normal((40, 6)).astype(np.float32)
    vectors[11] = vectors[30] = vectors[39] = vectors[2]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_nearest_other_row_is_found() -> None:
    vectors = some_vectors()
    all_cosines = vectors @ vectors.T
    np.fill_diagonal(all_cosines, -1)
    places = np.array([0, 2, 5, 11, 30, 38, 39, 8, 9])
    cosines, who = neighbours.nearest_neighbours(vectors, places)
    assert cosines == pytest.approx(all_cosines[places].max(axis=1), abs=1e-6)
    assert all_cosines[places, who] == pytest.approx(cosines, abs=1e-6)
    assert not (who == places).any()


@pytest.mark.parametrize("threshold", [0.3, 0.9, 1.0])
def test_all_pairs_from_a_threshold_are_found_once(threshold: float) -> None:
    vectors = some_vectors()
    cosines = vectors.astype(float) @ vectors.astype(float).T
    expected = {
        (one, two)
        for one in range(40)
        for two in range(one + 1, 40)
        if cosines[one, two] >= min(threshold, 1 - 1e-6)
    }
    found = list(neighbours.near_pairs(vectors, threshold))
    assert len(found) == len(expected)
    assert {(one, two) for one, two, _ in found} == expected
    assert all(cosine == pytest.approx(cosines[one, two]) for one, two, cosine in found)
    assert {(2, 11), (2, 30), (30, 39)} <= expected


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1, float("nan")])
def test_thresholds_that_are_no_cosines_are_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="expected a cosine above 0, at most 1"):
        list(neighbours.near_pairs(some_vectors(), threshold))
