"""A fingerprint is the same for the same vectors, and different for others."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError
from bertie.loading import fingerprint as module
from tests.editing import edit_json, edit_tensors


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the remembered hashes of one test from the others."""
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fingerprints"


def test_it_is_a_sha256_that_stays_the_same(sentence: Path) -> None:
    first = bertie.load(sentence).fingerprint
    assert len(first) == 64
    assert int(first, 16)
    assert bertie.load(sentence).fingerprint == first


@pytest.mark.parametrize(
    "options",
    [
        {"pooling": ["mean", "cls"]},
        {"normalize": False},
        {"max_length": 16},
        {"prompts": {"query": "other "}},
        {"lower": False},
        {"activation": "gelu_new"},
    ],
)
def test_every_setting_that_changes_a_vector_changes_it(
    sentence: Path, options: dict[str, Any]
) -> None:
    assert bertie.load(sentence, **options).fingerprint != bertie.load(sentence).fingerprint


def test_settings_that_change_no_vector_do_not_change_it(sentence: Path) -> None:
    plain = bertie.load(sentence).fingerprint
    assert bertie.load(sentence, threads=1, budget=99).fingerprint == plain
    assert bertie.load(sentence, normalize=True, max_length=32).fingerprint == plain
    assert bertie.load(sentence, activation="gelu_python").fingerprint == plain


def test_what_auto_means_is_as_good_as_said(sentence: Path) -> None:
    auto = bertie.load(sentence)
    of = {
        precision: bertie.load(sentence, precision=precision).fingerprint
        for precision in ("float32", "bfloat16")
    }
    assert auto.fingerprint == of.pop(auto.info().precision)
    assert auto.fingerprint not in of.values()


def test_what_the_files_look_like_does_not_change_it(bert: Path) -> None:
    plain = bertie.load(bert).fingerprint

    def respell(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        kept = {name: value for name, value in tensors.items() if "pooler" not in name}
        return {f"bert.{name}": value.astype(np.float64) for name, value in kept.items()}

    edit_tensors(bert, respell)
    edit_json(bert / "config.json", transformers_version="0.0", model_type=None)
    assert bertie.load(bert).fingerprint == plain


def test_one_changed_weight_changes_it(sentence: Path) -> None:
    plain = bertie.load(sentence).fingerprint

    def change(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors["linear.bias"][3] += 1
        return tensors

    edit_tensors(sentence / "2_Dense", change)
    assert bertie.load(sentence).fingerprint != plain


def test_one_changed_token_changes_it(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    plain = bertie.load(bert).fingerprint
    tokens = (bert / "vocab.txt").read_text()
    (bert / "vocab.txt").write_text(tokens.replace("\nriver\n", "\nrivers\n"))
    assert bertie.load(bert).fingerprint != plain


def test_the_tensors_are_hashed_once_while_the_files_stay_as_they_are(
    bert: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    original = module.hash_tensors
    monkeypatch.setattr(
        module, "hash_tensors", lambda tensors: hashed.append(1) or original(tensors)
    )
    first = bertie.load(bert).fingerprint
    assert bertie.load(bert).fingerprint == first
    assert len(hashed) == len(list(cache.iterdir())) == 1
    os.utime(bert / "model.safetensors", ns=(1, 1))
    assert bertie.load(bert).fingerprint == first
    assert len(hashed) == 2


def test_weights_that_are_gone_since_the_model_was_loaded_are_a_checkpoint_error(
    bert: Path,
) -> None:
    model = bertie.load(bert)
    weights = bert / "model.safetensors"
    weights.rename(bert / "elsewhere")
    message = r"model\.safetensors was there when the model was loaded.*put the same file back"
    with pytest.raises(CheckpointError, match=message):
        print(model.fingerprint)
    (bert / "elsewhere").rename(weights)
    assert model.fingerprint == bertie.load(bert).fingerprint


@pytest.mark.parametrize("damage", ["empty", "unwritable"])
def test_a_cache_that_cannot_be_used_costs_only_time(bert: Path, cache: Path, damage: str) -> None:
    if damage == "unwritable":
        cache.parent.mkdir(parents=True)
        cache.touch()
    first = bertie.load(bert).fingerprint
    if damage == "empty":
        next(cache.iterdir()).write_text("")
    assert bertie.load(bert).fingerprint == first


def test_the_hash_of_tensors_is_over_their_float32_in_order_of_names() -> None:
    tensors = {"b": tensor([1.0]), "a": tensor([[2.0, 3.0]])}
    assert module.hash_tensors(tensors) == module.hash_tensors(dict(reversed(tensors.items())))
    assert module.hash_tensors(tensors) != module.hash_tensors({"a": tensors["b"]})
    flat = {**tensors, "a": tensor([2.0, 3.0])}
    assert module.hash_tensors(tensors) != module.hash_tensors(flat)


def tensor(values: Any) -> Tensor:
    """Make a tensor of a file."""
    array = np.array(values, np.float32)
    data = np.frombuffer(array.tobytes(), np.uint8)
    return Tensor("x", "F32", array.shape, data)
