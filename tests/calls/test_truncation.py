"""Cutting texts is counted, told once or refused."""

import numpy as np
import pytest

from bertie.calls.truncation import Truncation
from bertie.errors import InputError, TruncationWarning


def ints(*values: int) -> np.ndarray:
    """Make a packed batch's int32 array."""
    return np.array(values, np.int32)


def test_what_is_cut_is_counted_over_the_whole_call() -> None:
    truncation = Truncation("right", 8)
    truncation.add(ints(8, 3), ints(2, 0), 0)
    truncation.add(ints(8), ints(5), 2)
    match = r"2 of 3 texts had more than the 8 tokens .*: 7 tokens were left out \(truncate='right'"
    with pytest.warns(TruncationWarning, match=match) as caught:
        truncation.warn(stacklevel=1)
    assert caught[0].filename == __file__


def test_nothing_cut_is_nothing_said() -> None:
    truncation = Truncation("left", 8)
    truncation.add(ints(8, 3), ints(0, 0), 0)
    truncation.warn(stacklevel=1)


def test_the_error_policy_names_the_first_text_and_its_length() -> None:
    truncation = Truncation("error", 8)
    truncation.add(ints(8, 3), ints(0, 0), 0)
    match = r"text 12 is 10 tokens long, as are 1 after it; expected at most 8: shorten it"
    with pytest.raises(InputError, match=match):
        truncation.add(ints(3, 8, 8), ints(0, 2, 9), 11)


@pytest.mark.parametrize("policy", ["middle", None, ["right"]])
def test_another_policy_is_refused(policy: str) -> None:
    with pytest.raises(InputError, match=r"truncate is .*, expected right, left, error"):
        Truncation(policy, 8)


def test_a_text_that_becomes_several_sequences_counts_once() -> None:
    lengths, truncated = np.array([5, 5, 4, 5], np.int32), np.array([1, 3, 0, 2], np.int32)
    truncation = Truncation("right", 5, sequences=2)
    truncation.add(lengths, truncated, first=0)
    with pytest.warns(TruncationWarning, match="2 of 2 texts had .*: 5 tokens were left out"):
        truncation.warn(stacklevel=1)
    with pytest.raises(InputError, match="text 8 is 8 tokens long, as are 1 after it"):
        Truncation("error", 5, sequences=2).add(lengths, truncated, first=8)
