"""Checkpoints whose weights are ONNX, in the layouts of optimum and of Hugging Face's hub."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.onnx_files import find_onnx, read_onnx
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine.encoder import Encoder
from bertie.errors import CheckpointError

ONNX = Path(__file__).parents[1] / "data/tiny-onnx"


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("torchscript", ["model.onnx"]),
        ("dynamo", ["onnx/model.onnx", "onnx/model.onnx.data"]),
    ],
)
def test_a_checkpoint_in_onnx_computes_what_transformers_does(
    layout: str, files: list[str], tiny_expected: dict[str, np.ndarray]
) -> None:
    checkpoint = Checkpoint.open(ONNX / layout)
    assert [str(path.relative_to(ONNX / layout)) for path in checkpoint.files] == files
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    given = (tiny_expected[name] for name in ("ids", "type_ids", "lengths"))
    # The fixture is the first of the tiny BERT's layers; float32.
    assert np.abs(encoder.forward(*given) - tiny_expected["hidden"][1]).max() < 1e-4


def test_a_directory_without_onnx_has_none(tmp_path: Path) -> None:
    assert find_onnx(tmp_path) is None
    (tmp_path / "model_quantized.onnx").touch()
    assert find_onnx(tmp_path) is None


def test_what_is_missing_or_damaged_is_a_checkpoint_error(tmp_path: Path) -> None:
    copied = Path(shutil.copytree(ONNX / "dynamo", tmp_path / "copied"))
    (copied / "onnx/model.onnx.data").unlink()
    with pytest.raises(CheckpointError, match=r"model.onnx.data can't be read: No such file"):
        find_onnx(copied)
    path = tmp_path / "model.onnx"
    content = (ONNX / "torchscript/model.onnx").read_bytes()
    path.write_bytes(content.replace(b"word_embeddings", b"ward_embeddings"))
    with pytest.raises(CheckpointError, match="the graph isn't known: none of its tensors"):
        read_onnx((path,))


def test_weights_that_nothing_names_are_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    copied = Path(shutil.copytree(ONNX / "torchscript", tmp_path / "copied"))
    model = onnx.load(copied / "model.onnx")
    bias = "encoder.layer.0.intermediate.dense.bias"
    (added,) = (
        node for node in model.graph.node if any(name.endswith(bias) for name in node.input)
    )
    kept = [name for name in added.input if not name.endswith(bias)]
    added.op_type, added.input[:] = "Identity", kept
    onnx.save(model, copied / "model.onnx")
    with pytest.raises(CheckpointError) as caught:
        encoder_tensors(Checkpoint.open(copied))
    said = str(caught.value)
    assert "tensor encoder.layer.0.intermediate.dense.weight missing" in said
    assert "model.onnx names no module of 1 of its matrices, such as onnx::MatMul_" in said
    assert "give them as safetensors" in said
