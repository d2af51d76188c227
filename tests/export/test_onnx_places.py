"""Encoders of every kind of layer as ONNX, against the reference, at lengths beyond their windows.

The stored outputs of transformers are of one shape for each architecture; here options meet, and
padding is filled with what would change the result if anything read it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.checkpoint import shapes
from bertie.checkpoint.attention import Rotary
from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.engine import reference
from bertie.export.onnx_encoder import add_encoder
from bertie.export.onnx_net import Net
from bertie.export.onnx_outputs import add_hidden
from bertie.export.onnx_places import MASKED, angles, shifted, turn, window
from tests.architectures import own_names, worst
from tests.export.onnx_session import padded, run
from tests.random_weights import random_tensor

pytest.importorskip("onnx")

ALIBI = {"position_embedding_type": "alibi", "feed_forward_type": "reglu"}
YARN = {"rope_type": "yarn", "factor": 3.0, "original_max_position_embeddings": 20}
DISTANCES = {"relative_attention": True, "pos_att_type": "c2p|p2c"}
V2 = {**DISTANCES, "share_att_key": True, "norm_rel_ebd": "layer_norm", "position_buckets": 16}
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "window": ("modernbert", {"local_attention": 6, "global_attn_every_n_layers": 3}),
    "biases": ("modernbert", {"norm_bias": True, "attention_bias": True, "mlp_bias": True}),
    "alibi": ("bert", ALIBI),
    "alibi-even-heads": ("bert", {**ALIBI, "num_attention_heads": 8}),
    "partial": ("nomic_bert", {"rotary_emb_fraction": 0.5}),
    "neighbours": ("nomic_bert", {"rotary_emb_interleaved": True, "rotary_emb_fraction": 0.5}),
    "dynamic": ("nomic_bert", {"rotary_scaling_factor": 2.0, "max_trained_positions": 20}),
    "yarn": ("gte", {"rope_parameters": {**YARN, "rope_theta": 100.0}}),
    "segments": ("new", {"type_vocab_size": 2}),
    "no-segments": ("new", {"type_vocab_size": 0}),
    "fewer-keys": ("eurobert", {"num_key_value_heads": 3, "head_dim": 10}),
    "one-key": ("eurobert", {"num_key_value_heads": 1, "mlp_bias": True}),
    "swiglu": ("neobert", {}),
    "own-projections": ("deberta", DISTANCES),
    "no-distances": ("deberta", {}),
    "content-alone": ("deberta-v2", {**V2, "pos_att_type": "c2p", "share_att_key": False}),
    "position-alone": ("deberta-v2", {**V2, "pos_att_type": "p2c"}),
    "buckets": ("deberta-v2", {**V2, "max_relative_positions": 30}),
    "projection": ("deberta-v2", {**V2, "embedding_size": 13, "position_biased_input": False}),
    "convolution": ("deberta-v2", {**V2, "conv_kernel_size": 5, "conv_act": "gelu"}),
}
LONGEST = 70


def read(option: str) -> EncoderConfig:
    name, keys = OPTIONS[option]
    sizes = {
        "vocab_size": 101,
        "hidden_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
        "intermediate_size": 50,
        "max_position_embeddings": LONGEST,
    }
    raw = {"model_type": name, **own_names(name, sizes), **keys}
    return EncoderConfig.from_dict(raw, where="here")


def draw_batch(lengths: list[int], *, segments: bool = True) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    drawn = {"ids": rng.integers(1, 101, sum(lengths)), "lengths": np.array(lengths)}
    return {**drawn, "type_ids": rng.integers(0, 1 + segments, sum(lengths))}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_equals_the_reference_whatever_stands_in_the_padding(
    option: str, tmp_path: Path
) -> None:
    config = read(option)
    wanted = shapes.expected_tensors(config, set(config.layer_weights))
    sizes = {each.name: shapes.shape_of(config, each) for each in wanted}
    # Scores of a size that softmax doesn't turn into ones and zeros.
    arrays = {name: random_tensor(name, size) * np.float32(0.7) for name, size in sizes.items()}
    tensors = {
        name: Tensor(name, "F32", a.shape, a.reshape(-1).view(np.uint8))
        for name, a in arrays.items()
    }
    net = Net()
    states = add_encoder(net, config, tensors)
    for number, state in enumerate(states[:-1]):
        net.output(state, f"state_{number}", ("batch", "sequence", config.hidden_size))
    outputs = [f"state_{number}" for number in range(len(states) - 1)]
    outputs += add_hidden(net, states[-1], config.hidden_size)
    segments = config.type_vocab_size > 1
    for lengths in ([1, 21, 2, LONGEST], [1], [2, 1], [20, 7]):
        batch = draw_batch(lengths, segments=segments)
        expected = reference.forward(config, arrays, batch["ids"], batch["type_ids"], lengths)
        found = []
        for padding in (0, 7):
            feed = padded(batch, padding)
            feed["token_type_ids"][feed["attention_mask"] == 0] = int(segments and padding > 0)
            token = feed["attention_mask"] == 1
            made = run(net, tmp_path / "model.onnx", outputs, feed)
            found.append(np.stack([state[token] for state in made]))
        assert worst(found[0], expected) < 2e-5  # float32
        assert np.array_equal(*found)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_rows_are_shifted_to_each_pairs_distance(length: int, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).standard_normal((2, 3, length, 2 * length))
    net = Net()
    ids = net.input("input_ids")
    x = net.array("x", rows.astype(np.float32), 1)
    net.output(shifted(net, x, ids), "y", ("batch", 3, "sequence", "sequence"))
    feed = {"input_ids": np.zeros((2, length), np.int64)}
    (found,) = run(net, tmp_path / "model.onnx", ["y"], feed)
    query, key = np.arange(length)[:, None], np.arange(length)
    expected = rows[:, :, query, key - query + length - 1].astype(np.float32)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("left", "right"), [(2, 2), (None, 0), (3, None), (0, 4)])
def test_a_window_may_be_open_or_wider_to_one_side(
    left: int | None, right: int | None, tmp_path: Path
) -> None:
    net = Net()
    value = window(net, left, right, net.input("input_ids"))
    net.output(value, "y", ("sequence", "sequence"))
    (found,) = run(net, tmp_path / "model.onnx", ["y"], {"input_ids": np.zeros((1, 7), np.int64)})
    distance = np.arange(7)[:, None] - np.arange(7)
    seen = (distance <= (7 if left is None else left)) & (
        -distance <= (7 if right is None else right)
    )
    assert np.array_equal(found, np.where(seen, 0, np.float32(MASKED)).astype(np.float32))


@pytest.mark.parametrize("dynamic", [None, (1000.0, 2.0, 2048)])
def test_queries_are_turned_alike_after_thousands_of_tokens(
    dynamic: tuple[float, float, int] | None, tmp_path: Path
) -> None:
    pairs, length = 8, 8192
    frequencies = (1000.0 ** -(np.arange(pairs) / pairs)).astype(np.float32)
    kind = Rotary(tuple(map(float, frequencies)), interleaved=False, dynamic=dynamic)
    x = np.random.default_rng(2).standard_normal((1, length, 2, 2 * pairs)).astype(np.float32)
    net = Net()
    ids, mask = net.input("input_ids"), net.input("attention_mask")
    given = net.array("x", x, 1)
    y = turn(net, given, kind, angles(net, 0, kind, ids, mask), 2 * pairs)
    net.output(y, "y", (1, "sequence", 2, 2 * pairs))
    feed = {name: np.ones((1, length), np.int64) for name in ("input_ids", "attention_mask")}
    (found,) = run(net, tmp_path / "model.onnx", ["y"], feed)
    expected = reference.rotate(x[0].astype(np.float64).transpose(1, 0, 2), kind)
    assert np.abs(found[0].transpose(1, 0, 2) - expected).max() < 2e-6  # float32
