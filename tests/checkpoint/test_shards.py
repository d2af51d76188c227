"""Weights in one file, or in shards with an index."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from bertie.checkpoint.weights import read_weights, weight_files
from bertie.errors import CheckpointError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"

ONE, TWO = np.ones(2, np.float32), np.zeros((2, 2), np.float32)


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """Two shards with an index."""
    safetensors.numpy.save_file({"one": ONE}, tmp_path / "model-1.safetensors")
    safetensors.numpy.save_file({"two": TWO}, tmp_path / "model-2.safetensors")
    write_index(tmp_path, {"one": "model-1.safetensors", "two": "model-2.safetensors"})
    return tmp_path


def write_index(directory: Path, weight_map: Any) -> None:
    """Write an index that says anything."""
    (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_shards_read_as_one(sharded: Path) -> None:
    tensors = read_weights(sharded)
    assert {name: tensor.float32().tolist() for name, tensor in tensors.items()} == {
        "one": ONE.tolist(),
        "two": TWO.tolist(),
    }
    names = [path.name for path in weight_files(sharded)]
    assert names == [INDEX, "model-1.safetensors", "model-2.safetensors"]


def test_a_single_file_wins_over_an_index(sharded: Path) -> None:
    safetensors.numpy.save_file({"whole": ONE}, sharded / SINGLE)
    assert list(read_weights(sharded)) == ["whole"]


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / "model-2.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"index.json names model-2.safetensors, but"):
        read_weights(sharded)


def test_tensors_that_their_shard_lacks_are_listed(sharded: Path) -> None:
    write_index(sharded, {"two": "model-1.safetensors", "three": "model-2.safetensors"})
    match = "aren't there: two in model-1.safetensors, three in model-2.safetensors"
    with pytest.raises(CheckpointError, match=match):
        read_weights(sharded)


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "/etc/passwd", "a/../../b", "a\\..\\b", "a\0b", 3, None]
)
def test_an_index_may_not_lead_out_of_the_directory(sharded: Path, name: Any) -> None:
    write_index(sharded, {"one": name})
    with pytest.raises(CheckpointError, match=r"index.json names .*(leads out|expected a path)"):
        read_weights(sharded)


@pytest.mark.parametrize("weight_map", [None, [], "model-1.safetensors"])
def test_an_index_without_a_map_is_refused(sharded: Path, weight_map: Any) -> None:
    write_index(sharded, weight_map)
    with pytest.raises(CheckpointError, match=r"weight_map is .*, expected file names by tensor"):
        read_weights(sharded)
