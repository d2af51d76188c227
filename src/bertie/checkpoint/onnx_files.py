"""Weights in an ONNX file, where Hugging Face and optimum put it."""

from pathlib import Path

from bertie.checkpoint.onnx_graph import named_weights
from bertie.checkpoint.onnx_model import read_graph, weight_files
from bertie.checkpoint.tensor import Tensor

# Beside the config, or in the folder where repositories keep it; in order of preference.
FILES = ("model.onnx", "onnx/model.onnx")


def find_onnx(directory: Path) -> tuple[Path, ...] | None:
    """Find a directory's model, and the files of external data that it names.

    Raises: CheckpointError: the model's file, or one that it names, isn't whole.
    """
    for name in FILES:
        if (directory / name).is_file():
            return weight_files(directory / name)
    return None


def read_onnx(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Map a model's weights.

    Args:
        files: as find_onnx gives them.
    Returns: tensors by the names that transformers gives them.
    Raises: CheckpointError: the model isn't whole and well-formed, or its graph isn't known.
    """
    return named_weights(read_graph(files[0]))
