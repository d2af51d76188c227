"""Two sides compared: what is found, and when it is enough."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.verify import Limits, Observed, compare, limits_for

TEXTS = [f"text {number}" for number in range(20)]
IDS = tuple((1, number, 2) for number in range(20))


def side(vectors: Any, **changes: Any) -> Observed:
    """Make a side of given vectors."""
    return Observed(about={"source": "x"}, vectors=np.array(vectors, np.float32), **changes)


@pytest.fixture
def vectors() -> np.ndarray:
    """Some vectors."""
    return np.random.default_rng(5).standard_normal((20, 8)).astype(np.float32)


def test_a_model_is_like_itself(vectors: np.ndarray) -> None:
    hidden = np.ones((3, 9, 8), np.float32)
    one = side(vectors, ids=IDS, hidden=hidden, sampled=3, logits={"fill": vectors})
    report = compare(one, one, TEXTS, "here")
    assert report.passed
    assert report.vectors.mean_cosine == report.vectors.least_cosine == 1
    assert report.layers == (0, 0, 0)
    assert (report.equal_ids, report.differing) == (20, None)
    assert report.ranking is not None
    assert report.ranking.first == report.ranking.shared == 1
    assert report.heads["fill"].agreement == 1
    assert report.vectors.histogram[0] == (1e-8, 20)


def test_the_worst_text_is_named_and_counted(vectors: np.ndarray) -> None:
    other = vectors.copy()
    other[7] *= -1
    report = compare(side(vectors), side(other), TEXTS, "here")
    assert report.vectors.worst == "text 7"
    assert report.vectors.least_cosine == pytest.approx(-1)
    assert report.vectors.histogram[-1] == (2.0, 1)
    assert sum(count for _, count in report.vectors.histogram) == 20
    assert report.faults[1] == "the least cosine is -1.000000, expected at least 0.99999"


def test_other_token_ids_are_a_fault_whatever_the_limits(vectors: np.ndarray) -> None:
    one, other = side(vectors, ids=IDS), side(vectors, ids=(*IDS[:4], (9,), *IDS[5:]))
    report = compare(one, other, TEXTS, "here", Limits())
    assert (report.equal_ids, report.differing) == (19, "text 4")
    assert report.faults == ("token ids differ, first for the text 'text 4'",)


def test_layers_are_compared_one_by_one(vectors: np.ndarray) -> None:
    hidden = np.zeros((3, 9, 8), np.float32)
    other = hidden.copy()
    other[1, 2, 3], other[2, 0, 0] = 0.25, -0.5
    sides = [side(vectors, ids=IDS, hidden=h, sampled=3) for h in (hidden, other)]
    report = compare(*sides, TEXTS, "here")
    assert report.layers == (0, 0.25, 0.5)
    assert report.faults == ("hidden states differ by up to 0.5, expected at most 0.0001",)


def test_heads_agree_by_their_largest_logit(vectors: np.ndarray) -> None:
    other = vectors[:, ::-1].copy()
    one = side(vectors, ids=IDS, logits={"fill": vectors, "mine": vectors})
    two = side(vectors, ids=IDS, logits={"fill": other, "its": vectors})
    heads = compare(one, two, TEXTS, "here").heads
    assert set(heads) == {"fill"}
    expected = (vectors.argmax(1) == other.argmax(1)).mean()
    assert heads["fill"].agreement == pytest.approx(expected)


def test_numbers_that_are_none_keep_no_limit(vectors: np.ndarray) -> None:
    other = vectors.copy()
    other[3, 3] = np.nan
    report = compare(side(vectors), side(other), TEXTS, "here")
    assert len(report.faults) == 3


def test_the_limits_are_those_of_the_lesser_precision(vectors: np.ndarray) -> None:
    exact, less = side(vectors), side(vectors, precision="int8")
    assert limits_for(exact, exact).max_abs == 1e-4
    assert limits_for(exact, less) == Limits(0.999, 0.997, least_tokens=8)
    assert limits_for(less, side(vectors, precision="bfloat16")).least_cosine == 0.997


def test_somebodys_own_limits_take_the_place_of_those() -> None:
    limits = Limits(mean_cosine=0.9, least_cosine=0.8, max_abs=0.1, least_tokens=8)
    assert limits.given(None, None) == limits
    assert limits.given(0.5, None) == Limits(None, 0.5, 0.1)
    assert limits.given(None, 0.5) == Limits(0.9, 0.8, 0.5, least_tokens=8)


def test_short_texts_do_not_count_where_limits_say_so(vectors: np.ndarray) -> None:
    other = vectors.copy()
    other[7] *= -1
    ids = tuple(tuple(range(3 if number == 7 else 9)) for number in range(20))
    sides = [side(rows, ids=ids) for rows in (vectors, other)]
    lenient = compare(*sides, TEXTS, "here", Limits(least_cosine=0.9, least_tokens=8))
    assert lenient.passed
    assert lenient.vectors.least_cosine == pytest.approx(-1)
    assert lenient.vectors.counted_cosine == pytest.approx(1)
    strict = compare(*sides, TEXTS, "here", Limits(least_cosine=0.9, least_tokens=3))
    assert strict.faults[0].startswith("the least cosine of texts with 3 tokens or more is -1")


def test_vectors_of_other_models_cannot_be_compared(vectors: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"gives vectors \(20, 8\) and x \(20, 7\)"):
        compare(side(vectors), side(vectors[:, 1:]), TEXTS, "here")


def test_few_texts_are_not_ranked(vectors: np.ndarray) -> None:
    assert compare(side(vectors[:2]), side(vectors[:2]), TEXTS[:2], "here").ranking is None


# Numbers so small that half of one is 0 have no direction.
NUMBERS = st.floats(-1e3, 1e3, width=32).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(st.lists(NUMBERS, min_size=4, max_size=4), st.floats(0.5, 2))
def test_cosines_stay_within_their_bounds(row: list[float], factor: float) -> None:
    one = np.array([row, row, [0, 0, 0, 0]], np.float32)
    report = compare(side(one), side(one * np.float32(factor)), TEXTS[:3], "here")
    assert 1 - 1e-6 <= report.vectors.least_cosine <= 1 + 1e-6
