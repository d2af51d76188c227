"""A bundle's tensors as transformers would have them."""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.tensorflow.model import read_model
from bertie.errors import CheckpointError

from .writing import write_bundle

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_kernels_are_turned_round_where_they_lie(tmp_path: Path, dtype: str) -> None:
    kernel = KERNEL.astype(dtype)
    index = write_bundle(tmp_path, {"bert/pooler/dense/kernel": kernel})
    tensor = read_model(index)["bert.pooler.dense.weight"]
    assert tensor.name == "bert/pooler/dense/kernel"
    assert (tensor.shape, tensor.strides) == ((3, 2), (1, 3))
    assert tensor.data.tobytes() == kernel.tobytes()
    assert np.array_equal(tensor.float32(), KERNEL.T)


def test_what_belongs_to_training_is_not_even_checked(tmp_path: Path) -> None:
    arrays = {"x/kernel": KERNEL, "x/kernel/adam_m": KERNEL, "global_step": np.int64(7)}
    index = write_bundle(tmp_path, {name: np.asarray(array) for name, array in arrays.items()})
    shard = tmp_path / "model.ckpt.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:24] + bytes(32))
    assert list(read_model(index)) == ["x.weight"]
    shard.write_bytes(bytes(56))
    with pytest.raises(CheckpointError, match="tensor x/kernel fails its CRC-32C"):
        read_model(index)


def test_two_variables_that_are_one_are_refused(tmp_path: Path) -> None:
    index = write_bundle(tmp_path, {"bert/x": KERNEL, "module/bert/x": KERNEL})
    with pytest.raises(CheckpointError, match=r"bert/x and module/bert/x are both bert\.x"):
        read_model(index)


def test_a_checkpoint_of_objects_is_refused(tmp_path: Path) -> None:
    index = write_bundle(tmp_path, {"model/layer-1/kernel/.ATTRIBUTES/VARIABLE_VALUE": KERNEL})
    with pytest.raises(CheckpointError, match="of TensorFlow 2's objects, whose names don't say"):
        read_model(index)
