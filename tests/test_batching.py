import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.batching import gather, plan
from bertie.errors import InputError

lengths_of_batches = st.lists(st.integers(1, 60), max_size=40).map(lambda x: np.array(x, np.int32))


@given(lengths_of_batches, st.integers(1, 100))
def test_every_sequence_is_in_one_pass_within_the_budget(lengths, budget):
    passes = plan(lengths, budget)
    assert sorted(i for indices in passes for i in indices) == list(range(len(lengths)))
    for indices in passes:
        assert lengths[indices].sum() <= budget or len(indices) == 1


@given(lengths_of_batches)
def test_the_longest_come_first_and_equals_keep_their_order(lengths):
    order = [int(i) for indices in plan(lengths, 64) for i in indices]
    assert order == sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))


def test_a_budget_below_one_is_refused():
    with pytest.raises(InputError, match="budget is 0 tokens, expected at least 1"):
        plan(np.array([3], np.int32), 0)


@given(lengths_of_batches, st.randoms(use_true_random=False))
def test_gather_takes_the_chosen_sequences_in_order(lengths, random):
    total = int(lengths.sum())
    ids = np.arange(total, dtype=np.int32)
    starts = np.cumsum(lengths) - lengths
    chosen = np.array(random.sample(range(len(lengths)), len(lengths) // 2), np.intp)
    got_ids, got_types, got_lengths = gather(ids, ids + 1, lengths, chosen)
    expected = [ids[starts[i] : starts[i] + lengths[i]] for i in chosen]
    assert np.array_equal(got_ids, np.concatenate([*expected, np.zeros(0, np.int32)]))
    assert np.array_equal(got_types, got_ids + 1)
    assert np.array_equal(got_lengths, lengths[chosen])
    assert got_ids.dtype == got_lengths.dtype == np.int32
