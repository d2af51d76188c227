"""Correlations, on examples worked by hand and by what must hold of any."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.evaluate.correlation import correlate, ranks

numbers = st.lists(st.integers(-50, 50).map(float), min_size=3, max_size=30)


def test_a_worked_example() -> None:
    # Deviations -1, 0, 1 and -1, -1, 2: 3 / sqrt(2 * 6). Ranks 1, 2, 3 and 1.5, 1.5, 3.
    found = correlate([1, 2, 3], [1, 1, 4])
    assert found.pearson == pytest.approx(3 / math.sqrt(12))
    assert found.spearman == pytest.approx(1.5 / math.sqrt(2 * 1.5))


def test_equal_numbers_share_the_mean_of_their_ranks() -> None:
    assert ranks([30, 10, 20, 10]).tolist() == [4, 1.5, 3, 1.5]


def test_equal_numbers_have_no_correlation_however_they_round() -> None:
    assert sum([0.1] * 3) / 3 != 0.1
    for values in ([0.1] * 3, [7.0] * 3):
        found = correlate([1, 2, 3], values)
        assert math.isnan(found.pearson)
        assert math.isnan(found.spearman)


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=9),
    shift=st.integers(0, 8),
)
def test_a_correlation_is_from_minus_1_to_1_or_none(values: list[float], shift: int) -> None:
    found = correlate(values, values[shift % len(values) :] + values[: shift % len(values)])
    for value in (found.pearson, found.spearman):
        assert -1 <= value <= 1 if len(set(values)) > 1 else math.isnan(value)
    if len(set(values)) > 1:
        assert correlate(values, values).pearson == pytest.approx(1)


@given(values=numbers)
def test_spearman_sees_order_alone(values: list[float]) -> None:
    found = correlate(values, [math.exp(value / 50) for value in values])
    if len(set(values)) > 1:
        assert found.spearman == pytest.approx(1)
        assert correlate(values, [-value for value in values]).pearson == pytest.approx(-1)
    else:
        assert math.isnan(found.spearman)


@pytest.mark.parametrize(
    ("gold", "predicted", "said"),
    [
        ([1.0], [1.0], "1 pair of numbers, expected at least 2"),
        ([1.0, 2.0], [1.0], "2 gold answers and 1 predictions"),
        ([1.0, np.nan], [1.0, 2.0], "a number is NaN or infinite"),
        ([1.0, 2.0], [1.0, np.inf], "a number is NaN or infinite"),
    ],
)
def test_what_cannot_be_correlated_is_refused(
    gold: list[float], predicted: list[float], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        correlate(gold, predicted)
