"""Which files of a folder make a model."""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bertie.known.model import MODEL_FILES
from bertie.known.record import NOTED, REFUSED
from bertie.known.sentence import COLBERT, TRANSFORMER_CONFIGS
from bertie.known.tokenizer import OTHER_FILES
from bertie.known.vocabularies import LAYOUTS, TOKENIZER_FILES, needless, refused

_SETTINGS = frozenset(
    {
        "bertie.json",
        "config.json",
        "bert_config.json",
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
    "bert_model.ckpt.index": re.compile(
        r"checkpoint|bert_model\.ckpt\.(index|meta|data-\d+-of-\d+)"
    ),
    "model.onnx": re.compile(r"model\.onnx([._]data)?"),
    "onnx/model.onnx": re.compile(r"onnx/model\.onnx([._]data)?"),
}
# A module's folder of sentence-transformers, such as 0_Transformer and 1_Pooling, or none; a file,
# which may lie in the folder of other engines' weights.
_FILE = re.compile(r"((?:\d+_\w+/)?)((?:onnx/)?[^/]+)")


@dataclass(frozen=True)
class Part:
    """Something that every model has, and the files that can be it, each with those it needs."""

    name: str
    files: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.name} ({' or '.join(map(' and '.join, self.files))})"


PARTS = (
    Part("a configuration", (("config.json",), ("bert_config.json",))),
    Part("weights", tuple((name,) for name in _WEIGHTS)),
    Part("a vocabulary", LAYOUTS),
)


def needed_files(names: Iterable[str]) -> list[str]:
    """Choose the files that running a model takes.

    Args:
        names: paths relative to the model's folder, with forward slashes.
    Returns: the chosen paths, sorted; of the weights in each folder only those of one form.
    """
    return sorted(folder + file for folder, files in _folders(names).items() for file in files)


def missing_parts(names: Iterable[str]) -> list[Part]:
    """The parts of a model that a folder of these files doesn't have, nor one of its modules'."""
    folders = list(_folders(names).values()) or [set()]
    lacked = (
        [part for part in PARTS if not any(files.issuperset(form) for form in part.files)]
        for files in folders
    )
    return min(lacked, key=len)


def refused_files(names: Iterable[str]) -> list[str]:
    """Say which files of a folder are refused when it is loaded, and what to do."""
    files = _folders(names).get("", set())
    rows = [row for row in MODEL_FILES if row.mark == REFUSED and row.file in files]
    others = [
        row
        for row in OTHER_FILES
        if row.mark == REFUSED and fnmatch.filter(refused(files), row.file)
    ]
    return [f"{row.file} {row.effect}; {row.instead}" for row in (*rows, *others)]


def model_folders(names: Iterable[str]) -> list[str]:
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
        if not inside_another and not missing_parts(paths_below(folder, names)):
            found.append(folder)
    return found


def paths_below(folder: str, names: Iterable[str]) -> list[str]:
    """The paths below a folder, relative to it."""
    prefix = f"{folder}/" if folder else ""
    return [name[len(prefix) :] for name in names if name.startswith(prefix) and name != prefix]


def _folders(names: Iterable[str]) -> dict[str, set[str]]:
    """Choose from a model's folder and those of its modules, each with a slash at its end."""
    folders: dict[str, set[str]] = {}
    for found in filter(None, map(_FILE.fullmatch, sorted(names))):
        folders.setdefault(found[1], set()).add(found[2])
    return {folder: _choose(folders[folder]) for folder in sorted(folders)}


def _choose(bases: set[str]) -> set[str]:
    """Choose from one folder."""
    form = next((pattern for whole, pattern in _WEIGHTS.items() if whole in bases), None)
    weights = {base for base in bases if form and form.fullmatch(base)}
    return bases & (_SETTINGS - needless(bases)) | weights | refused(bases)
