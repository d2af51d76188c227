"""The core's encoder, through its binding, against reference.py and transformers' outputs."""

import dataclasses
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie import _core
from bertie.checkpoint import shapes
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.config import MODEL_TYPES, EncoderConfig
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.engine import reference
from bertie.engine.encoder import PRECISIONS, Encoder, Linear, Recipe, quantize_weight
from bertie.engine.pooling import POOLINGS
from bertie.engine.quantize import products
from bertie.errors import CheckpointError, InputError, KernelWarning
from tests.architectures import own_names, worst, write
from tests.auto import sitecustomize
from tests.random_weights import random_tensor
from tests.timeouts import TIMEOUT


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


def by_columns(tensor, dtype):
    """Store a matrix column after column, as TensorFlow's kernels lie."""
    values = tensor.float32()
    if len(tensor.shape) != 2:
        return tensor
    stored = np.ascontiguousarray(
        values.T.astype({"F32": "<f4", "F16": "<f2", "F64": "<f8"}[dtype])
    )
    data = stored.reshape(-1).view(np.uint8)
    return dataclasses.replace(tensor, dtype=dtype, data=data, strides=(1, tensor.shape[0]))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("dtype", ["F32", "F16", "F64"])
def test_matrices_that_lie_by_columns_give_the_same_bits(
    tiny, tiny_tensors, tiny_expected, precision, dtype
):
    turned = {name: by_columns(tensor, dtype) for name, tensor in tiny_tensors.items()}
    plain = {
        name: Tensor(name, "F32", tensor.shape, tensor.float32().reshape(-1).view(np.uint8))
        for name, tensor in turned.items()
    }
    assert turned["encoder.layer.0.intermediate.dense.weight"].strides == (1, 40)
    hidden = [
        Encoder(tiny.config, tensors, recipe=Recipe(precision)).forward(*inputs(tiny_expected))
        for tensors in (turned, plain)
    ]
    assert np.array_equal(*hidden)


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


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize(("hidden", "heads"), [(96, 6), (35, 5)])
@pytest.mark.parametrize("name", MODEL_TYPES)
def test_every_architecture_equals_the_reference_on_every_isa(
    monkeypatch, name, hidden, heads, isa
):
    monkeypatch.setenv("BERTIE_ISA", isa)
    config = awkward(name, hidden, heads)
    arrays = random_arrays(config)
    batch = packed(config, [1, 40, 7, 23], seed=1)
    states = reference.forward(config, arrays, *batch)
    tensors = {key: as_tensor(array, "F32") for key, array in arrays.items()}
    layers = tuple(range(len(states)))
    # What rounding the operands of three layers costs, relative to the states' norm.
    for precision, most in (("float32", 1e-5), ("bfloat16", 0.05), ("int8", 0.15)):
        encoder = Encoder(config, tensors, threads=2, recipe=Recipe(precision))
        found = encoder.forward(*batch, layers=layers)
        expected = np.concatenate(states, axis=1)
        assert np.linalg.norm(found - expected) < most * np.linalg.norm(expected)
        if precision == "float32":
            assert np.abs(found - expected).max() < 1e-5 * max(2, np.abs(expected).max())


def awkward(name, hidden, heads):
    """An architecture's config in sizes that no vector divides."""
    architecture = ARCHITECTURES[name]
    if architecture.rotary is not None:  # which turns pairs
        hidden -= hidden // heads % 2 * heads
    sizes = {
        "vocab_size": 101,
        "hidden_size": hidden,
        "num_hidden_layers": 3,
        "num_attention_heads": heads,
        "intermediate_size": 50,
        "max_position_embeddings": 50,
        "embedding_size": 13,
    }
    raw = {"model_type": name, **own_names(name, sizes), **OPTIONS.get(name, {})}
    return EncoderConfig.from_dict(raw, where="here")


# What shows what an architecture does otherwise.
OPTIONS = {
    "modernbert": {"local_attention": 10, "global_attn_every_n_layers": 2, "norm_bias": True},
    "deberta": {"relative_attention": True, "pos_att_type": "c2p|p2c", "type_vocab_size": 2},
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": "c2p|p2c",
        "position_buckets": 16,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
        "conv_kernel_size": 3,
        "conv_act": "gelu",
    },
    "new": {"rope_scaling": {"type": "ntk", "factor": 2.0}},
    "jina_bert": {"feed_forward_type": "geglu"},
    "eurobert": {"num_key_value_heads": 1, "attention_bias": True},
}


def random_arrays(config):
    """Weights for all that an encoder uses."""
    wanted = shapes.expected_tensors(config, set(config.layer_weights))
    sizes = {each.name: shapes.shape_of(config, each) for each in wanted}
    # Scores of a size that softmax doesn't turn into ones and zeros.
    return {name: random_tensor(name, size) * np.float32(0.7) for name, size in sizes.items()}


@pytest.mark.parametrize("name", [name for name in MODEL_TYPES if name != "bert"])
@given(lengths=st.lists(st.integers(1, 47), min_size=1, max_size=20), data=st.data())
def test_a_sequence_of_any_architecture_has_the_same_bits_in_any_company(name, lengths, data):
    config = awkward(name, 35, 5)
    tensors = {key: as_tensor(array, "F32") for key, array in random_arrays(config).items()}
    ids, type_ids, counts = packed(config, lengths, data.draw(st.integers(0, 2**32 - 1)))
    layers, modes = (0, -1, 1), ["weightedmean", "max"]
    threads, recipe = data.draw(st.integers(1, 4)), Recipe(data.draw(st.sampled_from(PRECISIONS)))
    first, other = (Encoder(config, tensors, threads=n, recipe=recipe) for n in (1, threads))
    together = first.forward(ids, type_ids, counts, layers)
    vectors = first.forward_pooled(ids, type_ids, counts, modes, layers=layers)
    end = 0
    for index, length in enumerate(lengths):
        alone = slice(end, end + length)
        end += length
        batch = ids[alone], type_ids[alone], counts[index : index + 1]
        assert np.array_equal(other.forward(*batch, layers), together[alone])
        single = other.forward_pooled(*batch, modes, layers=layers)
        assert np.array_equal(single, vectors[index : index + 1])


def test_layers_are_counted_from_the_embeddings_or_from_the_end(encoder, tiny_expected):
    batch = inputs(tiny_expected)
    together = encoder.forward(*batch, layers=[-2, 0, 3])
    expected = tiny_expected["hidden"][[2, 0, 3]]
    assert together.shape == (len(batch[0]), 3 * 24)
    assert np.abs(together - np.concatenate(expected, axis=1)).max() < 1e-5
    assert np.array_equal(together[:, 48:], encoder.forward(*batch))
    assert np.array_equal(together[:, 24:48], encoder.forward(*batch, layers=[-4]))


def test_layers_that_there_are_not_are_refused(encoder, tiny):
    batch = packed(tiny.config, [3], seed=1)
    message = r"layer {} is asked for; this model has 0 \(its embeddings\) to 3, or -4 to -1"
    for layer in (4, -5):
        with pytest.raises(InputError, match=message.format(layer)):
            encoder.forward(*batch, layers=[layer])
    with pytest.raises(InputError, match="layers is empty"):
        encoder.forward_pooled(*batch, ["mean"], layers=[])


@given(
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=20),
    seed=st.integers(0, 2**32 - 1),
    modes=st.lists(st.sampled_from(sorted(POOLINGS)), min_size=1, max_size=3),
    layers=st.lists(st.integers(-4, 3), min_size=1, max_size=3),
    data=st.data(),
)
def test_pooling_in_the_core_equals_pooling_the_hidden_states(
    encoder, tiny, lengths, seed, modes, layers, data
):
    batch = packed(tiny.config, lengths, seed)
    leading = st.lists(st.integers(0, 70), min_size=len(lengths), max_size=len(lengths))
    drawn = data.draw(st.none() | leading)
    skip = None if drawn is None else np.array(drawn, np.int32)
    hidden = np.split(encoder.forward(*batch, layers=layers), len(layers), axis=1)
    expected = np.concatenate(
        [POOLINGS[mode](of, batch[2], skip) for of in hidden for mode in modes], axis=1
    )
    pooled = encoder.forward_pooled(*batch, modes, layers=layers, skip=skip)
    assert pooled.shape == expected.shape
    assert np.abs(pooled - expected).max() < 2e-6 * max(1, np.abs(expected).max())


def test_poolings_that_cannot_be_are_refused(encoder, tiny):
    batch = packed(tiny.config, [3], seed=1)
    message = (
        "pooling 'median' is unknown; expected one of: mean, cls, max, mean_sqrt_len_tokens,"
        " weightedmean, lasttoken"
    )
    with pytest.raises(InputError, match=message):
        encoder.forward_pooled(*batch, ["median"])
    with pytest.raises(InputError, match="modes is empty"):
        encoder.forward_pooled(*batch, [])
    for skip, message in (([1, 2], "skip has 2 numbers"), ([-1], "skip of sequence 0 is -1")):
        with pytest.raises(InputError, match=message):
            encoder.forward_pooled(*batch, ["mean"], skip=np.array(skip, np.int32))


@pytest.mark.parametrize("isa", _core.available_isas())
def test_bytes_made_beforehand_equal_quantizing_at_load(tiny, tiny_tensors, monkeypatch, isa):
    smoothing = {p.name: np.exp2(np.arange(p.inputs) % 5 - 2) for p in products(tiny.config)}
    recipe = Recipe("int8", {name: d.astype(np.float32) for name, d in smoothing.items()})
    stored = dict(tiny_tensors)
    for product in products(tiny.config):
        for name in product.weights:
            weight = tiny_tensors[name].float32()
            rows, scales = quantize_weight(weight, recipe.smoothing[product.name])
            assert rows.shape == weight.shape
            assert (np.abs(rows).max(axis=1) == 127).all()
            off = rows * scales[:, None] - weight * recipe.smoothing[product.name]
            assert (np.abs(off) < 0.501 * scales[:, None]).all()
            stored[name] = as_tensor(rows, "I8")
            stored[f"{name}_scale"] = as_tensor(scales, "F32")
    monkeypatch.setenv("BERTIE_ISA", isa)
    batch = packed(tiny.config, [1, 64, 7, 30], seed=1)
    made, found = (Encoder(tiny.config, t, recipe=recipe) for t in (tiny_tensors, stored))
    assert np.array_equal(made.forward(*batch), found.forward(*batch))


def test_bytes_where_numbers_are_expected_are_refused(tiny, tiny_tensors):
    name = "encoder.layer.0.intermediate.dense.weight"
    rows, _ = quantize_weight(tiny_tensors[name].float32())
    stored = {**tiny_tensors, name: as_tensor(rows, "I8")}
    with pytest.raises(CheckpointError, match=f"{name} is I8, expected F32, F16 or BF16"):
        Encoder(tiny.config, stored)
    with pytest.raises(CheckpointError, match=f"{name}_scale is missing"):
        Encoder(tiny.config, stored, recipe=Recipe("int8"))
    with pytest.raises(InputError, match="the smoothing has 2 channels, expected 24"):
        quantize_weight(tiny_tensors[name].float32(), np.ones(2, np.float32))


def test_a_channel_of_zeros_stays_zeros():
    rows, scales = quantize_weight(np.zeros((2, 3), np.float32))
    assert rows.tolist() == [[0, 0, 0]] * 2
    assert scales.tolist() == [1, 1]


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
    child.join(timeout=TIMEOUT)
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


def test_an_instruction_set_that_computes_wrongly_is_told_of(tiny, tiny_tensors, monkeypatch):
    monkeypatch.setattr(_core, "wrong_isas", lambda: ["amx"])
    with pytest.warns(KernelWarning, match=r"amx computes wrongly on this CPU, .*, and .* is used"):
        Encoder(tiny.config, tiny_tensors)


def test_bfloat16_is_taken_only_where_it_is_faster():
    code = (
        "import os, sys; from bertie.engine.encoder import *\n"
        "for os.environ['BERTIE_ISA'] in sys.argv[1:]:"
        " print(selected_isa(), bfloat16_speed(selected_isa()), auto_precision().value)"
    )
    environment = {name: os.environ[name] for name in os.environ if name != sitecustomize.VARIABLE}
    isas = ("avx512bf16", "avx512vnni", "avxvnni", "neonmmla", "neondot", "scalar")
    ran = subprocess.run(
        [sys.executable, "-c", code, *isas],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert [isa for isa, _, _ in lines] == list(isas)
    for isa, speed, precision in lines:
        assert (speed == "none") == (isa not in ("avx512bf16", "neonmmla"))
        assert (precision == "bfloat16") == (speed == "faster")


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


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tokens_attend_to_the_first_ones_alone_where_asked(
    tiny, tiny_tensors, tiny_arrays, tiny_expected, precision
):
    ids, type_ids = tiny_expected["ids"], tiny_expected["type_ids"]
    lengths = tiny_expected["lengths"]
    attended = np.maximum(lengths // 2, 1).astype(np.int32)
    encoder = Encoder(tiny.config, tiny_tensors, recipe=Recipe(precision))
    found = encoder.forward(ids, type_ids, lengths, attended=attended)
    expected = reference.forward(tiny.config, tiny_arrays, ids, type_ids, lengths, attended)[-1]
    assert np.abs(found - expected).max() < {"float32": 1e-4, "bfloat16": 0.2, "int8": 1}[precision]
    whole = encoder.forward(ids, type_ids, lengths)
    assert np.array_equal(encoder.forward(ids, type_ids, lengths, attended=lengths), whole)
    assert not np.allclose(found, whole, atol=0.3)
    with pytest.raises(InputError, match="attended of sequence 0 is 0, expected 1 to its length"):
        encoder.forward(ids, type_ids, lengths, attended=attended * 0)


@pytest.mark.parametrize("name", ["modernbert", "jina_bert", "deberta-v2-content", "gte"])
def test_the_tokens_attended_to_may_lie_outside_a_window(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "pooler"))
    tensors = encoder_tensors(checkpoint)
    encoder = Encoder(checkpoint.config, tensors)
    lengths = np.array([1, 20, checkpoint.config.positions], np.int32)
    attended = np.array([1, 3, 2], np.int32)
    ids = np.arange(lengths.sum(), dtype=np.int32) % checkpoint.config.vocab_size
    arrays = {key: tensor.float32() for key, tensor in tensors.items()}
    found = encoder.forward(ids, ids * 0, lengths, attended=attended)
    wanted = reference.forward(checkpoint.config, arrays, ids, ids * 0, lengths, attended)[-1]
    assert worst(found, wanted) < 1e-5


def test_memory_of_a_length_that_nobody_has_memory_for_is_a_number():
    config = dataclasses.replace(awkward("gte", 24, 2), max_position_embeddings=2**31 - 1)
    tensors = {key: as_tensor(array, "F32") for key, array in random_arrays(config).items()}
    fixed, _ = Encoder(config, tensors, threads=1).memory(config.positions)
    assert fixed > 2**37
