"""Checkpoints of any shape with random weights, as Hugging Face's files are laid out."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.shapes import EMBEDDINGS, LAYER, TOKEN_TYPES

BERT_BASE: Mapping[str, int] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
_DEVIATION = 0.02  # BertConfig's initializer_range
_TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")


def write_checkpoint(
    directory: Path, sizes: Mapping[str, int], tokenizer: Path, longest: int
) -> None:
    """Save a BERT with random weights.

    Args:
        directory: is made.
        sizes: as BERT_BASE.
        tokenizer: a checkpoint whose tokenizer and vocabulary to take.
        longest: tokens of a text at most.
    """
    directory.mkdir(parents=True)
    for name in _TOKENIZER_FILES:
        shutil.copy(tokenizer / name, directory / name)
    config = {
        **json.loads((tokenizer / "config.json").read_text(encoding="utf-8")),
        **sizes,
        "architectures": ["BertModel"],
        "max_position_embeddings": 512,
    }
    _write_json(directory / "config.json", config)
    settings = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
    _write_json(directory / "tokenizer_config.json", settings | {"model_max_length": longest})
    _write_safetensors(directory / "model.safetensors", _tensors(config))


def _tensors(config: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Draw every tensor, always the same: norms pass, biases are zero, weights are small."""
    random = np.random.default_rng(0)
    layers = range(config["num_hidden_layers"])
    config = {**config, "embedding_size": config["hidden_size"]}
    expected = [(one.name, one.axes) for one in (*EMBEDDINGS, *TOKEN_TYPES)]
    expected += [(f"encoder.layer.{n}.{one.name}", one.axes) for n in layers for one in LAYER]
    for name, axes in expected:
        shape = tuple(config[axis] for axis in axes)
        if len(shape) == 2:
            yield name, random.standard_normal(shape, np.float32) * np.float32(_DEVIATION)
        else:
            yield name, np.full(shape, name.endswith("LayerNorm.weight"), np.float32)


def _write_safetensors(path: Path, tensors: Iterator[tuple[str, NDArray[np.float32]]]) -> None:
    """Write float32 tensors: the header's length, the header, the data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    arrays = []
    end = 0
    for name, array in tensors:
        offsets = [end, end + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        arrays.append(array)
        end += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for array in arrays:
            file.write(array.astype("<f4", copy=False).data)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
