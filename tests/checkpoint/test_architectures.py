"""Every architecture against the stored outputs of transformers, in float32 and below.

The outputs are made by scripts/make_architecture_fixtures.py, which rewrites the authors' own code
where transformers has no class; scripts/compare_architectures.py
compares many more models with transformers itself.
"""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import heads
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine import reference
from bertie.engine.calibration import Calibration, CalibrationText
from bertie.engine.encoder import Encoder, Recipe
from bertie.engine.heads import Head
from bertie.engine.quantize import int8_recipe
from tests.architectures import HEADS, NAMES, expected, worst, write


def packed(stored: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give what a forward pass takes."""
    return stored["ids"], stored["type_ids"], stored["lengths"]


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compare row by row."""
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_equals_transformers(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "pooler"))
    arrays = {key: tensor.float32() for key, tensor in encoder_tensors(checkpoint).items()}
    stored = expected(name)
    states = reference.forward(checkpoint.config, arrays, *packed(stored))
    assert states.shape == stored["hidden"].shape
    for state, wanted in zip(states, stored["hidden"], strict=True):
        assert worst(state, wanted) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_of_the_core_equals_transformers(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "pooler"))
    stored = expected(name)
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    states = encoder.forward(*packed(stored), layers=tuple(range(len(stored["hidden"]))))
    by_layer = np.split(states, len(stored["hidden"]), axis=1)
    for state, wanted in zip(by_layer, stored["hidden"], strict=True):
        assert worst(state, wanted) < 1e-5


@pytest.mark.parametrize(("name", "kind"), HEADS)
def test_logits_from_ids_equal_transformers(name: str, kind: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, kind))
    stored = expected(name)
    hidden = Encoder(checkpoint.config, encoder_tensors(checkpoint)).forward(*packed(stored))
    head = Head(heads(checkpoint)[kind])
    wanted = stored[f"logits_{kind}"]
    found = head.of_sequences(hidden, stored["lengths"])[: len(wanted)]
    assert worst(found, wanted) < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_lower_precisions_stay_close_to_float32(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "pooler"))
    tensors, stored = encoder_tensors(checkpoint), expected(name)
    drawn = Calibration(CalibrationText((), "drawn"), *packed(stored), True, None)
    int8 = int8_recipe(checkpoint.config, tensors, drawn, tensors_hash=name, cache=tmp_path)
    # A gate multiplies two products, and so what is rounded in them.
    bfloat16 = (0.999, 0.98) if checkpoint.config.gated else (0.9999, 0.999)
    bytes_ = (0.99, 0.9) if checkpoint.config.gated else (0.998, 0.98)
    for recipe, (mean, least) in ((Recipe("bfloat16"), bfloat16), (int8, bytes_)):
        hidden = Encoder(checkpoint.config, tensors, recipe=recipe).forward(*packed(stored))
        found = cosines(hidden, stored["hidden"][-1])
        assert found.mean() > mean
        assert found.min() > least


def test_a_token_that_pads_has_a_position_of_its_own(tmp_path: Path) -> None:
    # Were it counted like the others, all positions behind it would move.
    stored = expected("roberta")
    checkpoint = Checkpoint.open(write(tmp_path, "roberta", "pooler"))
    padding = checkpoint.config.position_padding
    assert (stored["ids"] == padding).any()
    arrays = {key: tensor.float32() for key, tensor in encoder_tensors(checkpoint).items()}
    table = arrays["embeddings.position_embeddings.weight"].copy()
    table[padding] *= 2
    arrays["embeddings.position_embeddings.weight"] = table
    states = reference.forward(checkpoint.config, arrays, *packed(stored))
    pads = stored["ids"] == padding
    moved = np.abs(states[0] - stored["hidden"][0]).max(axis=1) > 1e-3
    assert np.array_equal(moved, pads)
