import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.engine.batching import DEFAULT_BUDGET, budget_for, gather, plan
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


def test_bytes_become_tokens_up_to_the_default():
    assert budget_for(1000, fixed=200, per_token=10, longest=80) == 80
    assert budget_for(2**50, fixed=200, per_token=10, longest=80) == DEFAULT_BUDGET
    match = "max_memory is 999 bytes, which is a budget of 79 tokens, .* give at least 1000 bytes"
    with pytest.raises(InputError, match=match):
        budget_for(999, fixed=200, per_token=10, longest=80)
    with pytest.raises(InputError, match="a budget of 0 tokens"):
        budget_for(1, fixed=200, per_token=10, longest=80)


def test_one_sequence_is_a_batch_as_it_is():
    ids, lengths = np.arange(7, dtype=np.int32), np.array([7], np.int32)
    (indices,) = plan(lengths, 3)
    assert indices.tolist() == [0]
    same_ids, same_types, same_lengths = gather(ids, ids, lengths, indices)
    assert same_ids is same_types is ids
    assert same_lengths is lengths
