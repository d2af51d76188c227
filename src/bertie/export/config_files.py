"""The config files of a bundle, which is all but its weights: settings, vocabulary, modules."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bertie.checkpoint.dense import Dense
from bertie.checkpoint.files import read_json
from bertie.export.safetensors import Part, write_safetensors
from bertie.known.sentence import COLBERT, MODULES, PROMPTS_CONFIG, TRANSFORMER_CONFIGS
from bertie.known.vocabularies import TOKENIZER_FILES, needless
from bertie.opened import Opened

VOCAB = "vocab.txt"
_CONFIG = "config.json"
# What says how the encoder's texts become token ids.
_ENCODER_FILES = (
    *TOKENIZER_FILES,
    *TRANSFORMER_CONFIGS,
    COLBERT,
)


def encoder_folder(opened: Opened) -> Path:
    """Where the encoder's own files lie, relative to the model's directory."""
    return opened.layout.transformer.relative_to(opened.directory)


def copied_files(opened: Opened) -> Iterator[Path]:
    """List the settings files to copy as they are, relative to the model's directory."""
    folder = encoder_folder(opened)
    unread = needless([path.name for path in (opened.directory / folder).iterdir()])
    own = (folder / name for name in _ENCODER_FILES if name not in unread)
    names = [*own, Path(PROMPTS_CONFIG), Path(MODULES)]
    if (opened.directory / MODULES).is_file():
        entries = read_json(opened.directory / MODULES)
        names += [Path(entry.get("path", ""), _CONFIG) for entry in entries[1:]]
    return (name for name in dict.fromkeys(names) if (opened.directory / name).is_file())


def write_config_files(opened: Opened, into: Path) -> None:
    """Write everything but the weights and bertie.json.

    Args:
        opened: the source.
        into: the bundle's directory.
    Raises: OSError: the disk refuses.
    """
    for name in copied_files(opened):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opened.directory / name, into / name)
    folder = into / encoder_folder(opened)
    folder.mkdir(parents=True, exist_ok=True)
    if opened.given.vocab is not None:
        shutil.copyfile(opened.given.vocab, folder / VOCAB)
    checkpoint = opened.checkpoint
    model_type = checkpoint.config.architecture.stated_type
    config = {**checkpoint.raw_config, "model_type": model_type}
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (folder / _CONFIG).write_text(text + "\n", encoding="utf-8", newline="\n")
    for module in (*opened.layout.modules, *opened.layout.projection):
        if isinstance(module, Dense):
            _write_dense(module, into / Path(module.where).parent)


def _write_dense(module: Dense, folder: Path) -> None:
    """Write a dense module's weights, which stay float32 in every precision."""
    tensors = {"linear.weight": module.weight}
    if module.bias is not None:
        tensors["linear.bias"] = module.bias
    parts = [
        Part(name, "F32", tensor.shape, partial(tensor.float32)) for name, tensor in tensors.items()
    ]
    write_safetensors(folder / "model.safetensors", parts)
