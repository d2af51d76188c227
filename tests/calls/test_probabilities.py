"""Logits to scores: against their definitions, at the ends of the range, row by row."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bertie.calls.probabilities import check_top_k, identity, log_sum_exp, sigmoid, softmax
from bertie.errors import InputError

ROWS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 5)),
    elements=st.floats(-99, 99, width=32),
)


@given(ROWS)
def test_softmax_is_a_share_of_the_powers(logits: np.ndarray) -> None:
    found = softmax(logits)
    for row, expected in zip(found.tolist(), logits.tolist(), strict=True):
        powers = [math.exp(value - max(expected)) for value in expected]
        assert row == pytest.approx([power / sum(powers) for power in powers], rel=1e-12)


@given(ROWS)
def test_sigmoid_is_the_logistic_function(logits: np.ndarray) -> None:
    expected = [1 / (1 + math.exp(-value)) for value in logits.ravel().tolist()]
    assert sigmoid(logits).ravel().tolist() == pytest.approx(expected, rel=1e-12)


@given(ROWS)
def test_the_logarithm_of_softmax_is_that(logits: np.ndarray) -> None:
    narrow = logits.astype(np.float32)
    expected = np.log(np.maximum(softmax(narrow), 1e-300))
    for row, wanted in zip(narrow, expected, strict=True):
        found = row.astype(np.float64) - log_sum_exp(row)
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@given(ROWS)
def test_a_row_does_not_depend_on_the_others(logits: np.ndarray) -> None:
    for turn in (softmax, sigmoid, identity):
        together = turn(logits)
        for row, alone in zip(together, logits, strict=True):
            assert turn(alone[None])[0].tobytes() == row.tobytes()


def test_huge_logits_overflow_nothing() -> None:
    huge = np.array([[-3e38, 0, 3e38]], np.float32)
    assert softmax(huge).tolist() == [[0, 0, 1]]
    assert sigmoid(huge).tolist() == [[0, 0.5, 1]]


@pytest.mark.parametrize("top_k", [-1, 1.5, True, "3"])
def test_a_top_k_that_is_no_count_is_refused(top_k: object) -> None:
    check_top_k(0)
    check_top_k(None)
    with pytest.raises(InputError, match=r"top_k is .*, expected how many to give"):
        check_top_k(top_k)
