"""The encoder's ONNX graph, run by onnxruntime, against stored outputs of transformers."""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine.reference import gelu, gelu_tanh, relu, silu
from bertie.export.onnx_encoder import add_encoder
from bertie.export.onnx_layers import FORMS
from bertie.export.onnx_net import Net
from bertie.export.onnx_outputs import HIDDEN, add_hidden
from tests.architectures import NAMES, expected, worst, write
from tests.export.onnx_session import padded, run

pytest.importorskip("onnx")


@pytest.mark.parametrize("name", NAMES)
def test_hidden_states_equal_transformers_with_padding_beside_them(
    name: str, tmp_path: Path
) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "sequence_classification"))
    config, stored = checkpoint.config, expected(name)
    net = Net()
    states = add_encoder(net, config, encoder_tensors(checkpoint))
    assert len(states) == config.num_hidden_layers + 1
    add_hidden(net, states[-1], config.hidden_size)
    feed = padded(stored, config.position_padding or 0)
    (hidden,) = run(net, tmp_path / "model.onnx", [HIDDEN], feed)
    found = hidden[feed["attention_mask"] == 1]
    assert worst(found, stored["hidden"][-1]) < 2e-5  # float32


def test_one_sequence_takes_fewer_tokens_than_another(tmp_path: Path, tiny, tiny_tensors) -> None:
    net = Net()
    add_hidden(net, add_encoder(net, tiny.config, tiny_tensors)[-1], tiny.config.hidden_size)
    path = tmp_path / "model.onnx"
    for length in (1, 7, tiny.config.positions):
        ids = np.full((2, length), 5, np.int64)
        feed = {"input_ids": ids, "attention_mask": ids // 5, "token_type_ids": ids * 0}
        assert run(net, path, [HIDDEN], feed)[0].shape == (2, length, tiny.config.hidden_size)


@pytest.mark.parametrize(
    ("form", "oracle"),
    [("gelu", gelu), ("gelu_tanh", gelu_tanh), ("relu", relu), ("silu", silu), ("tanh", np.tanh)],
)
def test_activations_equal_the_reference(form: str, oracle, tmp_path: Path) -> None:
    values = np.linspace(-9, 9, 4001, dtype=np.float32)
    net = Net()
    net.output(FORMS[form](net, net.constant(values)), "y", (len(values),))
    (found,) = run(net, tmp_path / "model.onnx", ["y"], {})
    assert np.abs(found - oracle(values.astype(np.float64))).max() < 2e-6


def test_each_weight_is_stored_once_where_passes_share_it(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, "albert", "masked_lm"))
    assert len(set(checkpoint.config.layer_weights)) < checkpoint.config.num_hidden_layers
    tensors = encoder_tensors(checkpoint)
    net = Net()
    add_encoder(net, checkpoint.config, tensors)
    named = [name for name in net.weights if not name.startswith("constant_")]
    assert len(named) == len(tensors)
