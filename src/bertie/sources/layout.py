"""Which files of a folder make a model."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SETTINGS = frozenset(
    {
        "bertie.json",
        "config.json",
        "modules.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
    }
)
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_MODULE = re.compile(r"\d+_\w+")  # 0_Transformer, 1_Pooling: sentence-transformers' module folders


@dataclass(frozen=True)
class Part:
    """Something that every model has, and the files that can be it."""

    name: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({' or '.join(self.files)})"


PARTS = (
    Part("a configuration", ("config.json",)),
    Part("weights", (_WEIGHTS, _INDEX)),
    Part("a vocabulary", ("vocab.txt", "tokenizer.json")),
)


def needed(names: Iterable[str]) -> list[str]:
    """Choose the files that running a model takes.

    Args:
        names: paths relative to the model's folder, with forward slashes.
    Returns: the chosen paths, sorted; sharded weights only where there is no single file.
    """
    chosen = {name for name in names if _is_needed(name)}
    for name in sorted(chosen):
        folder, _, base = name.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        if (base == _INDEX or _SHARD.fullmatch(base)) and prefix + _WEIGHTS in chosen:
            chosen.discard(name)
    return sorted(chosen)


def lacking(names: Iterable[str]) -> list[Part]:
    """The parts of a model that a folder of these files doesn't have."""
    bases = {name.rpartition("/")[2] for name in needed(names)}
    return [part for part in PARTS if bases.isdisjoint(part.files)]


def roots(names: Iterable[str]) -> list[str]:
    """Find the folders that are models in a tree of files.

    Args:
        names: paths from the top of the tree, with forward slashes.
    Returns: the folders, sorted, "" for the top; a folder inside a model isn't another one.
    """
    names = list(names)
    folders = {name.rpartition("/")[0] for name in names}
    folders |= {folder.rpartition("/")[0] for folder in folders}
    found: list[str] = []
    for folder in sorted(folders):
        inside_another = any(not root or folder.startswith(root + "/") for root in found)
        if not inside_another and not lacking(under(folder, names)):
            found.append(folder)
    return found


def under(folder: str, names: Iterable[str]) -> list[str]:
    """The paths below a folder, relative to it."""
    prefix = f"{folder}/" if folder else ""
    return [name[len(prefix) :] for name in names if name.startswith(prefix) and name != prefix]


def _is_needed(name: str) -> bool:
    *folders, base = name.split("/")
    if len(folders) > 1 or (folders and not _MODULE.fullmatch(folders[0])):
        return False
    return base in _SETTINGS or base in (_WEIGHTS, _INDEX) or bool(_SHARD.fullmatch(base))
