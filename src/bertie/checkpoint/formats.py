"""The formats in which a directory may hold its weights, as a table of how each is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.shards import find_shards, read_shards
from bertie.checkpoint.tensor import Tensor


def _lazily(module: str, name: str) -> Callable[..., Any]:
    """Import a reader when it is first called, for most models need only safetensors'."""

    def read(*arguments: Any) -> Any:
        return getattr(import_module(f"bertie.checkpoint.{module}"), name)(*arguments)

    return read


def _no_config(directory: Path) -> None:
    """Tell nothing of a config: most formats hold weights only."""


def _no_notes(directory: Path, config: EncoderConfig) -> tuple[str, ...]:
    """Tell nothing worth knowing."""
    return ()


@dataclass(frozen=True)
class Format:
    """One format of weights.

    Attributes:
        name: what messages call it.
        find: gives the files of a directory that hold its weights, or None where it has none of
            this format; a CheckpointError where they are broken.
        read: maps the tensors of those files, under the names that transformers gives them. A
            tensor's own name stays the file's.
        files: the names by which messages say what is expected, the usual one first.
        config: gives what a directory's weights themselves tell of a config, as config.json
            would, and where it is from; None where they tell nothing.
        notes: says what is worth knowing of a directory's weights beside the config in use.
    """

    name: str
    find: Callable[[Path], tuple[Path, ...] | None]
    read: Callable[[tuple[Path, ...]], dict[str, Tensor]]
    files: tuple[str, ...]
    config: Callable[[Path], tuple[Mapping[str, Any], str] | None] = _no_config
    notes: Callable[[Path, EncoderConfig], tuple[str, ...]] = _no_notes


# In order of preference: the first that a directory has is read.
FORMATS: tuple[Format, ...] = (
    Format(
        "safetensors",
        find=partial(find_shards, single="model.safetensors", index="model.safetensors.index.json"),
        read=partial(read_shards, read=read_safetensors),
        files=("model.safetensors", "model.safetensors.index.json"),
    ),
    Format(
        "pytorch",
        find=partial(find_shards, single="pytorch_model.bin", index="pytorch_model.bin.index.json"),
        read=partial(read_shards, read=_lazily("pytorch", "read_pytorch")),
        files=("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ),
    Format(
        "tensorflow checkpoint",
        find=_lazily("tensorflow.checkpoint", "find_checkpoint"),
        read=_lazily("tensorflow.checkpoint", "read_checkpoint"),
        files=("bert_model.ckpt.index",),
        config=_lazily("tensorflow.checkpoint", "checkpoint_config"),
        notes=_lazily("tensorflow.checkpoint", "checkpoint_notes"),
    ),
    Format(
        "tensorflow saved model",
        find=_lazily("tensorflow.saved_model", "find_saved_model"),
        read=_lazily("tensorflow.saved_model", "read_saved_model"),
        files=("saved_model.pb",),
        config=_lazily("tensorflow.saved_model", "saved_model_config"),
        notes=_lazily("tensorflow.saved_model", "saved_model_notes"),
    ),
    Format(
        "onnx",
        find=_lazily("onnx_files", "find_onnx"),
        read=_lazily("onnx_files", "read_onnx"),
        files=("model.onnx", "onnx/model.onnx"),
    ),
)
