"""Which files of a folder make a model."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bertie.known.model import MODEL_FILES
from bertie.known.record import NOTED, REFUSED
from bertie.known.sentence import COLBERT, TRANSFORMER_CONFIGS
from bertie.known.vocabularies import LAYOUTS, TOKENIZER_FILES, refused

_SETTINGS = frozenset(
    {
        "bertie.json",
        "config.json",
        "modules.json",
        "config_sentence_transformers.json",
        *TRANSFORMER_CONFIGS,
        COLBERT,
        *(row.file for row in MODEL_FILES if row.mark in (NOTED, REFUSED) and "*" not in row.file),
        *TOKENIZER_FILES,
    }
)
# Weights in order of preference: the file that makes them whole, and all that belong to it.
_WEIGHTS = {
    "model.safetensors": re.compile(r"model\.safetensors"),
    "model.safetensors.index.json": re.compile(
        r"model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)"
    ),
    "pytorch_model.bin": re.compile(r"pytorch_model\.bin"),
    "pytorch_model.bin.index.json": re.compile(
        r"pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)"
    ),
}
_MODULE = re.compile(r"\d+_\w+")  # 0_Transformer, 1_Pooling: sentence-transformers' module folders


@dataclass(frozen=True)
class Part:
    """Something that every model has, and the files that can be it, each with those it needs."""

    name: str
    files: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.name} ({' or '.join(map(' and '.join, self.files))})"


PARTS = (
    Part("a configuration", (("config.json",),)),
    Part("weights", tuple((name,) for name in _WEIGHTS)),
    Part("a vocabulary", LAYOUTS),
)


def needed(names: Iterable[str]) -> list[str]:
    """Choose the files that running a model takes.

    Args:
        names: paths relative to the model's folder, with forward slashes.
    Returns: the chosen paths, sorted; of the weights in each folder only those of one form.
    """
    folders: dict[str, set[str]] = {}
    for name in names:
        folder, slash, base = name.rpartition("/")
        if not folder or _MODULE.fullmatch(folder):
            folders.setdefault(folder + slash, set()).add(base)
    return sorted(folder + base for folder, bases in folders.items() for base in _chosen(bases))


def lacking(names: Iterable[str]) -> list[Part]:
    """The parts of a model that a folder of these files doesn't have."""
    bases = {name.rpartition("/")[2] for name in needed(names)}
    return [part for part in PARTS if not any(bases.issuperset(form) for form in part.files)]


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


def _chosen(bases: set[str]) -> set[str]:
    """Choose from one folder."""
    form = next((pattern for whole, pattern in _WEIGHTS.items() if whole in bases), None)
    weights = {base for base in bases if form and form.fullmatch(base)}
    return bases & _SETTINGS | weights | refused(bases)
