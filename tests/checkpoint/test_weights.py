"""Which format a directory's weights are read in."""

from pathlib import Path

import pytest
import safetensors.numpy

from bertie.checkpoint import weights
from bertie.checkpoint.formats import FORMATS, Format
from bertie.checkpoint.weights import read_weights, weight_files, weights_config
from bertie.errors import CheckpointError, SourceError


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Format:
    """Another format, after all others, which is one file of any content and tells a config."""

    def find(directory: Path) -> tuple[Path, ...] | None:
        path = directory / "weights.txt"
        return (path,) if path.is_file() else None

    told = Format(
        "text",
        find,
        lambda files: {},
        ("weights.txt",),
        lambda directory: ({"told": 1}, "weights.txt"),
    )
    monkeypatch.setattr(weights, "FORMATS", (*FORMATS, told))
    return told


def test_the_first_format_of_the_table_is_read(tmp_path: Path, telling: Format) -> None:
    (tmp_path / "weights.txt").touch()
    assert weight_files(tmp_path) == (tmp_path / "weights.txt",)
    assert read_weights(tmp_path) == {}
    safetensors.numpy.save_file({}, tmp_path / "model.safetensors")
    assert weight_files(tmp_path) == (tmp_path / "model.safetensors",)


def test_a_format_may_tell_a_config_and_most_do_not(tmp_path: Path, telling: Format) -> None:
    (tmp_path / "weights.txt").touch()
    assert weights_config(tmp_path) == ({"told": 1}, "weights.txt")
    safetensors.numpy.save_file({}, tmp_path / "model.safetensors")
    assert weights_config(tmp_path) is None


@pytest.mark.parametrize(
    "name",
    [
        "tf_model.h5",
        "flax_model.msgpack",
        "model.ckpt",
        "model.gguf",
        "onnx/model_quantized.onnx",
        "openvino/openvino_model.xml",
    ],
)
def test_weights_of_other_frameworks_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    match = f"has its weights in {name}, but this version reads safetensors"
    with pytest.raises(CheckpointError, match=match):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "model.fp16.safetensors",
        "model.fp16-00001-of-00002.safetensors",
        "model-00001-of-00002.safetensors",
        "pytorch_model.fp16.bin",
    ],
)
def test_weights_under_another_name_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=f"has its weights in {name}, and nothing says"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_pointer_of_git_lfs_is_told(tmp_path: Path, name: str) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    (tmp_path / name).write_text(pointer)
    with pytest.raises(CheckpointError, match=f"{name} is a pointer of Git LFS"):
        read_weights(tmp_path)


def test_a_directory_without_weights_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has no weights: expected model.safetensors or"):
        read_weights(tmp_path)
