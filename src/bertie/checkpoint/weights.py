"""A directory's weights, in the first format of the table that it has."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.formats import FORMATS, Format
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError, SourceError

# Weights that other frameworks wrote and that this version doesn't read.
_OTHERS = (
    "*.ckpt*",
    "saved_model.pb",
    "tf_model*.h5*",
    "flax_model*.msgpack*",
    "*.onnx",
    "*.gguf",
    "onnx/*.onnx",
    "openvino/*.xml",
    "openvino_model*.xml",
)
# How the text begins that stands for a large file of a repository.
_POINTER = b"version https://git-lfs"
# Weights under another name, as transformers' variant= writes and wants to be told.
_VARIANTS = ("model*.safetensors", "consolidated*.safetensors", "pytorch_model[.-]*.bin")


def weight_files(directory: Path) -> tuple[Path, ...]:
    """Find the files that hold the weights, an index before its shards.

    Raises: SourceError: there are none.
    Raises: CheckpointError: there are only weights that this version doesn't read, or their files
        are broken, missing or out of the directory.
    """
    return _find(directory)[1]


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Map every tensor of a directory, by the names that transformers gives them.

    Raises: SourceError, CheckpointError: as weight_files and the format's reader do.
    """
    found, files = _find(directory)
    return found.read(files)


def weights_config(directory: Path) -> tuple[Mapping[str, Any], str] | None:
    """Ask the files that hold the weights for a config.

    Returns: what config.json would hold, and where it is from; None if they tell nothing.
    Raises: SourceError, CheckpointError: as weight_files and the format's reader do.
    """
    return _find(directory)[0].config(directory)


def weights_notes(directory: Path, config: EncoderConfig) -> tuple[str, ...]:
    """Ask the files that hold the weights what is worth knowing beside the config in use.

    Raises: SourceError, CheckpointError: as weight_files and the format's reader do.
    """
    return _find(directory)[0].notes(directory, config)


def _find(directory: Path) -> tuple[Format, tuple[Path, ...]]:
    """Find the format of a directory's weights, and the files."""
    for known in FORMATS:
        files = known.find(directory)
        if files is not None:
            for path in files:
                _refuse_pointer(path)
            return known, files
    readable = ", ".join(known.name for known in FORMATS)
    found = (path for pattern in _OTHERS for path in directory.glob(pattern))
    others = sorted({path.relative_to(directory).as_posix() for path in found})
    if others:
        raise CheckpointError(
            f"{directory} has its weights in {', '.join(others)}, but this version reads"
            f" {readable} only: save the model as safetensors"
        )
    expected = " or ".join(name for known in FORMATS for name in known.files)
    renamed = sorted({path.name for pattern in _VARIANTS for path in directory.glob(pattern)})
    if renamed:
        raise CheckpointError(
            f"{directory} has its weights in {', '.join(renamed)}, and nothing says that they are"
            f" the ones to load: rename them, or fetch the index of all; expected {expected}"
        )
    raise SourceError(f"{directory} has no weights: expected {expected}")


def _refuse_pointer(path: Path) -> None:
    """Refuse what git leaves in a file's place where Git LFS isn't installed."""
    with suppress(OSError), path.open("rb") as file:  # which the reader says better
        if file.read(len(_POINTER)) == _POINTER:
            raise CheckpointError(
                f"{path} is a pointer of Git LFS, not the file itself: run git lfs pull in its"
                " directory, or fetch the model with bertie pull"
            )
