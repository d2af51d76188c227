"""Checkpoints of any shape with random weights, as Hugging Face's files are laid out."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.shapes import expected_tensors, shape_of

BERT_BASE: Mapping[str, int] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
# Shapes of known models that transformers' own classes have, by name; what isn't said is theirs.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "modernbert-base": {"model_type": "modernbert"},
    "deberta-v3-base": {
        "model_type": "deberta-v2",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "relative_attention": True,
        "position_buckets": 256,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "nomic-base": {"model_type": "nomic_bert", "max_position_embeddings": 8192},
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


def write_shape(directory: Path, name: str, tokenizer: Path, longest: int) -> None:
    """Save a model of one of SHAPES with the weights that transformers' classes begin with.

    Args: as write_checkpoint.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    shape = dict(SHAPES[name])
    own = json.loads((tokenizer / "config.json").read_text(encoding="utf-8"))
    special = {"pad_token_id": 0, "bos_token_id": 101, "cls_token_id": 101}
    special |= {"eos_token_id": 102, "sep_token_id": 102}
    config = AutoConfig.for_model(**shape, vocab_size=own["vocab_size"], **special)
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(directory)
    for file in _TOKENIZER_FILES:
        shutil.copy(tokenizer / file, directory / file)
    settings = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings |= {"model_max_length": longest, "tokenizer_class": "BertTokenizer"}
    _write_json(directory / "tokenizer_config.json", settings)


def _tensors(config: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Draw every tensor, always the same: norms pass, biases are zero, weights are small."""
    random = np.random.default_rng(0)
    read = EncoderConfig.from_dict(config, where="config.json")
    for expected in expected_tensors(read, range(read.num_hidden_layers)):
        name, shape = expected.name, shape_of(read, expected)
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
