"""Windows of one input become one row."""

import numpy as np

from bertie.calls.tokenized import Tokenized
from bertie.tokenize import PackedEncodings

ROWS = np.array([[1, 9], [2, 3], [6, 1], [5, 5]], np.float32)


def tokenized(lengths: list[int], owners: list[int] | None) -> Tokenized:
    """Make sequences whose ids don't matter."""
    ids, zeros = np.zeros(sum(lengths), np.int32), np.zeros(len(lengths), np.int32)
    packed = PackedEncodings(ids, ids, np.array(lengths, np.int32), zeros)
    return Tokenized(packed, None if owners is None else np.array(owners, np.int32))


def test_windows_are_averaged_by_their_tokens() -> None:
    found = tokenized([4, 3, 1, 7], [0, 1, 1, 2]).averaged(ROWS)
    assert found.tolist() == [[1, 9], [3, 2.5], [5, 5]]


def test_the_best_window_counts() -> None:
    scores = np.array([1.0, 2, 6, 5])
    assert tokenized([4, 3, 1, 7], [0, 1, 1, 2]).largest(scores).tolist() == [1, 6, 5]


def test_inputs_of_one_sequence_stay_as_they_are() -> None:
    for owners in (None, [0, 1, 2, 3]):
        alone = tokenized([4, 3, 1, 7], owners)
        assert alone.averaged(ROWS) is ROWS
        assert alone.largest(ROWS[:, 0]).tolist() == ROWS[:, 0].tolist()
    nothing = tokenized([], [])
    assert nothing.averaged(ROWS[:0]).shape == (0, 2)
