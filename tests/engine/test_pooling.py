import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bertie.engine.pooling import POOLINGS, cls_pool, max_pool, mean_pool, normalize
from bertie.errors import InputError

HIDDEN = np.array([[1, 2], [3, 4], [5, -6], [7, 8]], np.float32)


def test_mean_averages_each_sequence():
    assert mean_pool(HIDDEN, np.array([3, 1])).tolist() == [[3, 0], [7, 8]]


def test_max_takes_the_largest_of_each_dimension():
    assert max_pool(HIDDEN, np.array([3, 1])).tolist() == [[5, 4], [7, 8]]


def test_cls_takes_the_first_token():
    assert cls_pool(HIDDEN, np.array([3, 1])).tolist() == [[1, 2], [7, 8]]


def test_the_square_root_of_the_count_divides_the_sum():
    pooled = POOLINGS["mean_sqrt_len_tokens"](HIDDEN, np.array([3, 1]))
    assert np.allclose(pooled, [[9 / 3**0.5, 0], [7, 8]])


def test_a_weighted_mean_weighs_tokens_by_their_places():
    pooled = POOLINGS["weightedmean"](HIDDEN, np.array([3, 1]))
    assert np.allclose(pooled, [[22 / 6, -8 / 6], [7, 8]])


def test_the_last_token_is_each_sequences_own():
    assert POOLINGS["lasttoken"](HIDDEN, np.array([3, 1])).tolist() == [[5, -6], [7, 8]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", [4, -1]),
        ("cls", [3, 4]),
        ("max", [5, 4]),
        ("mean_sqrt_len_tokens", [8 / 2**0.5, -2 / 2**0.5]),
        ("weightedmean", [21 / 5, -10 / 5]),
        ("lasttoken", [5, -6]),
    ],
)
def test_leading_tokens_can_be_left_out(name, expected):
    pooled = POOLINGS[name](HIDDEN, np.array([3, 1]), np.array([1, 0]))
    assert np.allclose(pooled, [expected, [7, 8]])
    none_left = POOLINGS[name](HIDDEN, np.array([3, 1]), np.array([3, 5]))
    whole = {"cls": [[1, 2], [7, 8]], "lasttoken": [[5, -6], [7, 8]]}
    assert none_left.tolist() == whole.get(name, [[0, 0], [0, 0]])


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("skip", [[1], [-1, 0]])
def test_a_skip_that_does_not_fit_is_refused(name, skip):
    with pytest.raises(InputError, match="expected for each of 2 sequences 0 or more"):
        POOLINGS[name](HIDDEN, np.array([3, 1]), np.array(skip))


@pytest.mark.parametrize("name", POOLINGS)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.data())
def test_poolings_are_those_of_sentence_transformers(name, lengths, data):
    torch = pytest.importorskip("torch")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules.pooling")
    prompt = data.draw(st.integers(0, min(lengths) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    hidden = rng.standard_normal((sum(lengths), 3)).astype(np.float32)
    parts = [torch.tensor(part) for part in np.split(hidden, np.cumsum(lengths)[:-1])]
    ones = [torch.ones(length, dtype=torch.int64) for length in lengths]
    padded = {
        "token_embeddings": torch.nn.utils.rnn.pad_sequence(parts, batch_first=True),
        "attention_mask": torch.nn.utils.rnn.pad_sequence(ones, batch_first=True),
        "prompt_length": prompt,
    }
    oracle = modules.Pooling(3, name, include_prompt=False)
    expected = oracle(padded)["sentence_embedding"].numpy()
    skip = np.full(len(lengths), prompt)
    found = POOLINGS[name](hidden, np.array(lengths), skip)
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("name", POOLINGS)
def test_a_sequence_of_no_tokens_gives_zeros(name):
    pooled = POOLINGS[name](HIDDEN, np.array([0, 3, 0, 1, 0]))
    assert pooled[[0, 2, 4]].tolist() == [[0, 0]] * 3
    assert np.array_equal(pooled[[1, 3]], POOLINGS[name](HIDDEN, np.array([3, 1])))


@pytest.mark.parametrize("name", POOLINGS)
def test_lengths_that_do_not_sum_to_the_rows_are_refused(name):
    with pytest.raises(InputError, match="lengths sum to 3, but hidden has 4 rows"):
        POOLINGS[name](HIDDEN, np.array([2, 1]))


@pytest.mark.parametrize("name", POOLINGS)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 40), st.data())
def test_a_vector_has_the_same_bits_in_any_batch(name, lengths, width, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    hidden = rng.standard_normal((sum(lengths), width)).astype(np.float32)
    together = POOLINGS[name](hidden, np.array(lengths))
    start = 0
    for row, length in zip(together, lengths, strict=True):
        alone = POOLINGS[name](hidden[start : start + length], np.array([length]))
        assert np.array_equal(row, alone[0])
        assert np.array_equal(normalize(together)[:0], normalize(together[:0]))
        start += length


@given(arrays(np.float32, (5, 33), elements=st.floats(-100, 100, width=32)))
def test_normalized_rows_have_length_one_and_the_same_bits_alone(vectors):
    normalized = normalize(vectors)
    for row, vector in zip(normalized, vectors, strict=True):
        assert np.array_equal(row, normalize(vector[None])[0])
        if np.abs(vector).max() > 1e-3:
            assert abs(np.linalg.norm(row.astype(np.float64)) - 1) < 1e-6


def test_a_row_of_zeros_stays_zero():
    assert normalize(np.zeros((1, 3), np.float32)).tolist() == [[0, 0, 0]]
