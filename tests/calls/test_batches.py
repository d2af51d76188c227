"""Passes of bounded size give what one pass gives, in the given order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertie.calls.batches import Ints, per_sequence, per_token
from bertie.tokenize import PackedEncodings


def packed(lengths: list[int]) -> PackedEncodings:
    """Make sequences whose ids count their tokens through the batch."""
    total = sum(lengths)
    ids, zeros = np.arange(total, dtype=np.int32), np.zeros(len(lengths), np.int32)
    return PackedEncodings(ids, ids % 2, np.array(lengths, np.int32), zeros)


def tokens(ids: Ints, type_ids: Ints, lengths: Ints) -> np.ndarray:
    """A row a token: its id and its type."""
    return np.stack([ids, type_ids], axis=1).astype(np.float32)


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 30))
def test_tokens_come_back_to_their_sequences(lengths: list[int], budget: int) -> None:
    batch = packed(lengths)
    found = per_token(batch, budget, tokens)
    assert [len(rows) for rows in found] == lengths
    flat = np.concatenate([np.zeros((0, 2)), *found])
    assert flat[:, 0].tolist() == batch.ids.tolist()
    assert flat[:, 1].tolist() == batch.type_ids.tolist()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 30))
def test_rows_come_back_in_order(lengths: list[int], budget: int) -> None:
    batch = packed(lengths)
    passes = []

    def first_id(ids: Ints, type_ids: Ints, lengths: Ints) -> np.ndarray:
        passes.append(len(ids))
        return ids[np.cumsum(lengths) - lengths].astype(np.float32)[:, None]

    starts = np.cumsum([0, *lengths[:-1]])
    assert per_sequence(batch, budget, first_id, 1)[:, 0].tolist() == starts.tolist()
    assert all(size <= max(budget, *lengths) for size in passes)
