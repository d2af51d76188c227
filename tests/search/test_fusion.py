"""Rankings fused by reciprocal ranks."""

import pytest

from bertie.search.fusion import reciprocal_ranks


def test_places_count_in_every_ranking() -> None:
    fused = reciprocal_ranks([["a", "b", "c"], ["c", "d"]])
    assert dict(fused) == pytest.approx(
        {"a": 1 / 61, "b": 1 / 62, "c": 1 / 63 + 1 / 61, "d": 1 / 62}
    )
    assert [key for key, _ in fused] == ["c", "a", "b", "d"]


def test_no_rankings_give_nothing() -> None:
    assert reciprocal_ranks([]) == []
    assert reciprocal_ranks([[], []]) == []
