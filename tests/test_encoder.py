"""The core's encoder, through its binding, against reference.py and transformers' outputs."""

import dataclasses
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie import _core, reference
from bertie.checkpoint import Tensor
from bertie.encoder import Encoder, Linear
from bertie.errors import CheckpointError, InputError
from bertie.pooling import POOLINGS


@pytest.fixture(scope="module")
def encoder(tiny, tiny_tensors):
    return Encoder(tiny.config, tiny_tensors)


def inputs(expected):
    return expected["ids"], expected["type_ids"], expected["lengths"]


def packed(config, lengths, seed):
    """Random sequences of the given lengths."""
    rng = np.random.default_rng(seed)
    tokens = int(sum(lengths))
    ids = rng.integers(0, config.vocab_size, tokens).astype(np.int32)
    return ids, rng.integers(0, 2, tokens).astype(np.int32), np.array(lengths, np.int32)


def test_hidden_states_equal_transformers(encoder, tiny_expected):
    hidden = encoder.forward(*inputs(tiny_expected))
    assert hidden.dtype == np.float32
    assert np.abs(hidden - tiny_expected["hidden"][-1]).max() < 1e-5


@pytest.mark.parametrize("layers", [1, 2])
def test_fewer_layers_give_that_layers_states(tiny, tiny_tensors, tiny_expected, layers):
    config = dataclasses.replace(
        tiny.config, num_hidden_layers=layers, layer_weights=tuple(range(layers))
    )
    hidden = Encoder(config, tiny_tensors).forward(*inputs(tiny_expected))
    assert np.abs(hidden - tiny_expected["hidden"][layers]).max() < 1e-5


@pytest.mark.parametrize(
    ("hidden_act", "key"), [("gelu_new", "hidden_gelu_new"), ("relu", "hidden_relu")]
)
def test_other_activations_equal_transformers(tiny, tiny_tensors, tiny_expected, hidden_act, key):
    config = dataclasses.replace(tiny.config, hidden_act=hidden_act)
    hidden = Encoder(config, tiny_tensors).forward(*inputs(tiny_expected))
    assert np.abs(hidden - tiny_expected[key]).max() < 1e-5


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_isa_equals_the_reference(tiny, tiny_tensors, tiny_arrays, monkeypatch, isa):
    monkeypatch.setenv("BERTIE_ISA", isa)
    encoder = Encoder(tiny.config, tiny_tensors)
    batch = packed(tiny.config, [1, 64, 7, 30], seed=1)
    expected = reference.forward(tiny.config, tiny_arrays, *batch)[-1]
    assert encoder.isa == isa
    assert np.abs(encoder.forward(*batch) - expected).max() < 1e-5


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=30),
    seed=st.integers(0, 2**32 - 1),
    threads=st.integers(1, 4),
    random=st.randoms(use_true_random=False),
)
def test_a_sequence_has_the_same_bits_in_any_company(
    encoder, tiny, tiny_tensors, lengths, seed, threads, random
):
    ids, type_ids, counts = packed(tiny.config, lengths, seed)
    starts = np.cumsum(counts) - counts
    order = random.sample(range(len(lengths)), len(lengths))
    tokens = np.concatenate([np.arange(starts[i], starts[i] + counts[i]) for i in order])
    other = Encoder(tiny.config, tiny_tensors, threads=threads)
    shuffled = other.forward(ids[tokens], type_ids[tokens], counts[order])
    assert np.array_equal(encoder.forward(ids, type_ids, counts)[tokens], shuffled)
    first = slice(starts[order[0]], starts[order[0]] + counts[order[0]])
    alone = other.forward(ids[first], type_ids[first], counts[order[:1]])
    assert np.array_equal(alone, shuffled[: len(alone)])


@given(
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=20),
    seed=st.integers(0, 2**32 - 1),
    modes=st.lists(st.sampled_from(sorted(POOLINGS)), min_size=1, max_size=3),
)
def test_pooling_in_the_core_equals_pooling_the_hidden_states(encoder, tiny, lengths, seed, modes):
    batch = packed(tiny.config, lengths, seed)
    hidden = encoder.forward(*batch)
    expected = np.concatenate([POOLINGS[mode](hidden, batch[2]) for mode in modes], axis=1)
    pooled = encoder.forward_pooled(*batch, modes)
    assert pooled.shape == expected.shape
    assert np.abs(pooled - expected).max() < 1e-6


def test_an_unknown_pooling_is_refused(encoder, tiny):
    with pytest.raises(InputError, match="pooling 'median' is unknown; expected mean, cls or max"):
        encoder.forward_pooled(*packed(tiny.config, [3], seed=1), ["median"])


def test_python_threads_share_an_encoder(encoder, tiny):
    batches = [packed(tiny.config, [5 * i + 1] * 9, seed=i) for i in range(8)]
    expected = [encoder.forward(*batch) for batch in batches]
    wrong = []

    def work(i):
        for _ in range(10):
            if not np.array_equal(encoder.forward(*batches[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_goes_on_with_the_parents_encoder(tiny, tiny_tensors):
    encoder = Encoder(tiny.config, tiny_tensors, threads=2)
    batch = packed(tiny.config, [60] * 20, seed=3)
    expected = encoder.forward(*batch)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(encoder.forward(*batch)))
    child.start()
    got = queue.get()  # before join: the child's pipe holds less than this
    child.join(timeout=60)
    assert child.exitcode == 0
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F64"])
def test_other_dtypes_equal_their_float32_values(tiny, tiny_tensors, tiny_expected, dtype):
    stored, widened = {}, {}
    for name, tensor in tiny_tensors.items():
        stored[name] = converted(tensor, dtype)
        widened[name] = as_tensor(stored[name].float32(), "F32")
    got = Encoder(tiny.config, stored).forward(*inputs(tiny_expected))
    assert np.array_equal(got, Encoder(tiny.config, widened).forward(*inputs(tiny_expected)))


def converted(tensor, dtype):
    values = tensor.float32()
    if dtype == "BF16":
        return as_tensor((values.view(np.uint32) >> 16).astype(np.uint16), dtype)
    return as_tensor(values.astype({"F16": np.float16, "F64": np.float64}[dtype]), dtype)


def as_tensor(values, dtype):
    values = np.ascontiguousarray(values)
    return Tensor("made here", dtype, values.shape, values.reshape(-1).view(np.uint8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": [7, 9999]}, "token id 9999 at token 1 is outside the model's table of 179 rows"),
        ({"ids": [-1, 7]}, "token id -1 at token 0"),
        ({"type_ids": [0, 2]}, "type id 2 at token 1 is outside the model's table of 2 rows"),
        ({"lengths": [1]}, "the lengths add up to 1 tokens, but there are 2 token ids"),
        ({"lengths": [0, 2]}, "sequence 0 has 0 tokens"),
        ({"type_ids": [0]}, "2 token ids and 1 type ids"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(encoder, change, message):
    batch = {"ids": [7, 8], "type_ids": [0, 1], "lengths": [2]} | change
    with pytest.raises(InputError, match=message):
        encoder.forward(*(np.array(values, np.int32) for values in batch.values()))


def test_an_empty_batch_gives_no_rows(encoder):
    nothing = np.zeros(0, np.int32)
    assert encoder.forward(nothing, nothing, nothing).shape == (0, 24)


def test_missing_tensors_and_threads_below_one_are_refused(tiny, tiny_tensors):
    lacking = {k: v for k, v in tiny_tensors.items() if k != "embeddings.LayerNorm.bias"}
    with pytest.raises(CheckpointError, match=r"tensor embeddings\.LayerNorm\.bias is missing"):
        Encoder(tiny.config, lacking)
    with pytest.raises(InputError, match="threads is 0, expected at least 1"):
        Encoder(tiny.config, tiny_tensors, threads=0)


def test_an_unknown_isa_is_refused_with_the_list(tiny, tiny_tensors, monkeypatch):
    monkeypatch.setenv("BERTIE_ISA", "mmx")
    with pytest.raises(InputError, match=r"BERTIE_ISA is 'mmx'.*scalar"):
        Encoder(tiny.config, tiny_tensors)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no CPU affinity")
def test_the_default_number_of_threads_respects_the_affinity():
    allowed = sorted(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{allowed[0]}}});"
        "from bertie import _core; print(_core.available_cores())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert printed.stdout.strip() == "1"


@given(rows=st.integers(0, 20), seed=st.integers(0, 2**32 - 1))
def test_linear_equals_numpy_and_rows_do_not_meet(rows, seed):
    rng = np.random.default_rng(seed)
    weight, bias, x = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((13, 30), (13,), (rows, 30))
    )
    linear = Linear(weight, bias, "tanh")
    y = linear(x)
    assert np.abs(y - np.tanh(x.astype(np.float64) @ weight.T + bias)).max(initial=0) < 1e-5
    for i in range(rows):
        assert np.array_equal(linear(x[i : i + 1])[0], y[i])


def test_linear_refuses_what_does_not_fit():
    weight = np.zeros((3, 4), np.float32)
    with pytest.raises(InputError, match="the bias has 2 elements, expected 3"):
        Linear(weight, np.zeros(2, np.float32))
    with pytest.raises(InputError, match="the input is 5 wide, expected 4"):
        Linear(weight)(np.zeros((1, 5), np.float32))
    with pytest.raises(InputError, match="activation 'swish' is unknown"):
        Linear(weight, activation="swish")
