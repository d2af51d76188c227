"""Pooling, modules and heads as ONNX, against their definitions and against transformers."""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.dense import Dense
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import heads
from bertie.checkpoint.sentence_layout import Normalize
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.export.onnx_encoder import ATTENTION_MASK, INPUT_IDS, add_encoder
from bertie.export.onnx_net import Net
from bertie.export.onnx_outputs import (
    EMBEDDING,
    LOGITS,
    POOLER,
    POOLINGS,
    SPAN,
    add_embedding,
    add_head,
)
from tests.architectures import HEADS, expected, worst, write
from tests.export.onnx_session import padded, run

pytest.importorskip("onnx")

STATES = np.random.default_rng(3).standard_normal((3, 5, 4)).astype(np.float32)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])

# What sentence-transformers' Pooling computes of one sequence's tokens, (tokens, dim).
DEFINITIONS = {
    "mean": lambda x: x.mean(0),
    "cls": lambda x: x[0],
    "max": lambda x: x.max(0),
    "mean_sqrt_len_tokens": lambda x: x.sum(0) / np.sqrt(len(x)),
    "weightedmean": lambda x: np.average(x, axis=0, weights=np.arange(1, len(x) + 1)),
    "lasttoken": lambda x: x[-1],
}


def vectors(path: Path, modes, modules, width: int, mask: np.ndarray = MASK) -> np.ndarray:
    """Pool the states in onnxruntime."""
    net = Net()
    net.input(ATTENTION_MASK)
    states = net.array("states", STATES, 1)
    assert add_embedding(net, [states], modes, modules, width) == (EMBEDDING,)
    return run(net, path, [EMBEDDING], {ATTENTION_MASK: mask})[0]


@pytest.mark.parametrize("mode", POOLINGS)
def test_pooling_is_what_it_is_defined_as_and_padding_takes_no_part(
    mode: str, tmp_path: Path
) -> None:
    found = vectors(tmp_path / "model.onnx", [mode], [], 4)
    for row, states, mask in zip(found, STATES, MASK, strict=True):
        assert np.abs(row - DEFINITIONS[mode](states[mask == 1])).max() < 1e-6


def test_every_mode_of_pooling_that_bertie_has_is_there() -> None:
    from bertie.engine import pooling

    assert pooling.POOLINGS.keys() <= POOLINGS.keys()
    assert POOLINGS.keys() == DEFINITIONS.keys()


def test_modes_stand_side_by_side_and_modules_follow_in_order(tmp_path: Path) -> None:
    weight = np.random.default_rng(4).standard_normal((3, 8)).astype(np.float32)
    bias = np.ones(3, np.float32)
    stored = [Tensor("t", "F32", a.shape, a.reshape(-1).view(np.uint8)) for a in (weight, bias)]
    modules = [Dense(8, 3, "tanh", *stored, "2_Dense/config.json"), Normalize()]
    found = vectors(tmp_path / "model.onnx", ["max", "cls"], modules, 3)
    pooled = [
        np.concatenate([DEFINITIONS[mode](x[m == 1]) for mode in ("max", "cls")])
        for x, m in zip(STATES, MASK, strict=True)
    ]
    dense = np.tanh(np.array(pooled) @ weight.T + bias)
    assert np.abs(found - dense / np.linalg.norm(dense, axis=1, keepdims=True)).max() < 1e-6


def test_a_sequence_of_nothing_but_padding_gives_no_nan(tmp_path: Path) -> None:
    found = vectors(tmp_path / "model.onnx", list(POOLINGS), [Normalize()], 24, MASK * 0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("name", "kind"), HEADS)
def test_logits_equal_transformers(name: str, kind: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, kind))
    config, stored = checkpoint.config, expected(name)
    net = Net()
    states = add_encoder(net, config, encoder_tensors(checkpoint))
    outputs = add_head(net, states[-1], heads(checkpoint)[kind])
    named = {"question_answering": SPAN, "pooler": (POOLER,)}
    assert outputs == named.get(kind, (LOGITS,))
    feed = padded(stored, config.position_padding or 0)
    found = run(net, tmp_path / "model.onnx", outputs, feed)
    logits = np.stack(found, axis=-1) if outputs == SPAN else found[0]
    if logits.ndim == 3:
        logits = logits[feed["attention_mask"] == 1]
    wanted = stored[f"logits_{kind}"]  # a language model's are stored of the first sequence alone
    assert worst(logits[: len(wanted)], wanted) < 2e-5  # float32


def test_a_tied_decoder_is_not_stored_again(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, "bert", "masked_lm"))
    assert "cls.predictions.decoder.weight" in checkpoint.tied
    net = Net()
    states = add_encoder(net, checkpoint.config, encoder_tensors(checkpoint))
    add_head(net, states[-1], heads(checkpoint)["masked_lm"])
    words = checkpoint.config.vocab_size
    assert [name for name, w in net.weights.items() if len(w.shape) == 2 and words in w.shape] == [
        "embeddings.word_embeddings.weight"
    ]
    assert net.inputs[0] == INPUT_IDS
