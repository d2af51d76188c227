"""The heads of TensorFlow's checkpoints, against the logits that TensorFlow computes with them."""

import numpy as np
import pytest

import bertie
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import heads
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine.encoder import Encoder
from bertie.engine.heads import Head

from .writing import DATA, expected_states


@pytest.mark.parametrize(
    ("name", "kind", "output"),
    [
        ("release", "masked_lm", "tokens"),
        ("release", "next_sentence", "following"),
        ("release", "pooler", "pooled"),
        ("classifier", "sequence_classification", "logits"),
        ("tuned", "sequence_classification", "probabilities"),
    ],
)
def test_logits_are_tensorflows(name: str, kind: str, output: str) -> None:
    checkpoint = Checkpoint.open(DATA / name)
    record = heads(checkpoint)[kind]
    packed, _ = expected_states(name)
    lengths = packed[2]
    with np.load(DATA / "expected.npz") as stored:
        expected, mask = stored[f"{name}_{output}"], stored[f"{name}_mask"].astype(bool)
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    rows = encoder.forward(*packed)
    if record.reads == "first":
        rows = rows[np.concatenate([[0], np.cumsum(lengths)[:-1]])]
    else:
        expected = expected.reshape(*mask.shape, -1)[mask]
    logits = Head(record).logits(rows)
    if output == "probabilities":
        logits = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(logits, expected, rtol=0, atol=1e-4)  # float32


def test_what_fine_tuning_leaves_classifies() -> None:
    vocab = DATA / "release" / "vocab.txt"
    model = bertie.load(DATA / "classifier", vocab=vocab)
    labels = model.classify("the river bank")
    assert sorted(label.label for label in labels) == ["LABEL_0", "LABEL_1", "LABEL_2"]
