"""Inputs that fail are found, and fail alone."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import CheckpointError, InputError, ServerError
from bertie.server.scheduling.bisection import bisect, with_position


@given(st.lists(st.booleans(), max_size=40))
def test_every_failure_is_its_own_and_every_answer_there(bad: list[bool]) -> None:
    sizes = []

    def compute(inputs: list[Any]) -> list[int]:
        sizes.append(len(inputs))
        if any(bad[i] for i in inputs):
            raise CheckpointError(f"one of {inputs}")
        return [i * i for i in inputs]

    answers, errors = bisect(compute, list(range(len(bad))))
    assert set(errors) == {i for i, is_bad in enumerate(bad) if is_bad}
    assert all(str(error) == f"one of [{i}]" for i, error in errors.items())
    assert [i for i in range(len(bad)) if answers[i] == i * i] == [
        i for i, is_bad in enumerate(bad) if not is_bad
    ]
    if sum(bad) == 1:
        assert len(sizes) <= 4 * len(bad).bit_length() + 4


def test_an_array_stays_one() -> None:
    answers, errors = bisect(lambda inputs: np.zeros((len(inputs), 3)), [1, 2])
    assert answers.shape == (2, 3)
    assert errors == {}


def test_a_call_that_can_not_be_is_not_tried_for_each_input() -> None:
    sizes = []

    def compute(inputs: list[Any]) -> Any:
        sizes.append(len(inputs))
        raise InputError("top_k is -1")

    answers, errors = bisect(compute, list(range(100)))
    assert sizes == [100, 0]
    assert answers == [None] * 100
    assert {str(error) for error in errors.values()} == {"top_k is -1"}


def test_what_nobody_raised_on_purpose_becomes_an_error_of_the_server() -> None:
    _, errors = bisect(lambda inputs: 1 // 0, [1])
    assert type(errors[0]) is ServerError
    assert "ZeroDivisionError" in str(errors[0])


def test_an_input_is_named_by_its_position_in_its_own_request() -> None:
    assert str(with_position(InputError("text 0 has no [MASK]"), 7)) == "text 7 has no [MASK]"
    other = CheckpointError("layer 0 is NaN")
    assert with_position(other, 7) is other
