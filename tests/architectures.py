"""Checkpoints of every architecture, written from what the fixtures describe."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from bertie.checkpoint.architectures import ARCHITECTURES
from tests.random_weights import random_weights

DATA = Path(__file__).parent / "data" / "architectures"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))


def described(name: str) -> dict[str, Any]:
    """Read what an architecture's files hold (scripts/make_architecture_fixtures.py)."""
    return dict(json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")))


def architecture_of(name: str) -> str:
    """Name the architecture of a fixture; one with options has several, NAME and NAME-option."""
    return str(described(name).get("architecture", name))


def worst(found: np.ndarray, wanted: np.ndarray) -> float:
    """Give the largest difference, as a share of the largest value where that is above 1."""
    return float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


def expected(name: str) -> dict[str, np.ndarray]:
    """Read what transformers computes with them."""
    with np.load(DATA / f"{name}.npz") as stored:
        return dict(stored)


def own_names(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Write fields as a config of an architecture calls them: by the last of its names for each."""
    keys = ARCHITECTURES[name].keys
    return {keys.get(field, (field,))[-1]: value for field, value in fields.items()}


# Each architecture with each head that transformers has for it.
HEADS = [
    (name, key.removeprefix("logits_"))
    for name in NAMES
    for key in expected(name)
    if key.startswith("logits_")
]


def write(directory: Path, name: str, kind: str, *, prefixed: bool = True) -> Path:
    """Write config.json and model.safetensors of one class, as save_pretrained would."""
    whole = described(name)
    own = whole["classes"][kind]
    # A model without a head is saved without a prefix.
    start = f"{whole['prefix']}." if prefixed and kind != "pooler" else ""
    shapes = {f"{start}{key}": shape for key, shape in whole["encoder"].items()} | own["shapes"]
    directory.mkdir(parents=True, exist_ok=True)
    config = {**whole["config"], **own["config"]}
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    safetensors.numpy.save_file(
        random_weights(shapes, whole["prefix"]), directory / "model.safetensors"
    )
    return directory
