"""TensorFlow's checkpoints in a directory, and which of them is meant.

A checkpoint is the files that begin with one name: bert_model.ckpt.index, .data-00000-of-00001 and,
for those who would run it, .meta with the graph.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.derived_config import activation, derive_config
from bertie.checkpoint.tensorflow.graph import Graph
from bertie.checkpoint.tensorflow.model import read_model
from bertie.errors import CheckpointError

# The text file that TensorFlow's Saver keeps beside several checkpoints to name the latest.
STATE = "checkpoint"
_LATEST = re.compile(rb'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
_LARGEST_STATE = 2**20  # bytes

_EITHER_FORM = (
    "Google's earlier code computes hidden_act gelu by erf, its later code by tanh, and the"
    " checkpoint doesn't say which it was trained with: erf is used; give"
    " activation='gelu_new' for tanh"
)


def find_checkpoint(directory: Path) -> tuple[Path, ...] | None:
    """Find a directory's checkpoint: its index, then its shards.

    Args:
        directory: with one checkpoint, or several and TensorFlow's file that names the latest.
    Returns: the files, or None where there is no checkpoint.
    Raises: CheckpointError: an index is missing, or nothing says which of several is meant.
    """
    indexes = {path.name.removesuffix(".index"): path for path in _indexes(directory)}
    shards = sorted(directory.glob("*.data-?????-of-?????"))
    if not indexes:
        if shards:
            raise CheckpointError(
                f"{directory} has {shards[0].name} without an index;"
                " copy the other files of that name too"
            )
        return None
    index = indexes[_choose(directory, sorted(indexes))]
    begin = index.name.removesuffix("index") + "data-"
    return (index, *(path for path in shards if path.name.startswith(begin)))


def read_checkpoint(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Map the weights of the checkpoint that find_checkpoint found, by transformers' names.

    Raises: CheckpointError: as read_model does.
    """
    return read_model(files[0])


def checkpoint_config(directory: Path) -> tuple[Mapping[str, Any], str] | None:
    """Derive a config from a checkpoint's graph and shapes, where its graph is beside it.

    Raises: CheckpointError: the graph isn't one of BERT's.
    """
    files = find_checkpoint(directory)
    if files is None or not (meta := _meta(files[0])).is_file():
        return None
    return derive_config(Graph.of_meta(meta), Bundle.read(files[0]), meta.name), meta.name


def checkpoint_notes(directory: Path, config: EncoderConfig) -> tuple[str, ...]:
    """Say what is worth knowing of a checkpoint beside what its config says.

    Args:
        directory: the checkpoint's.
        config: that in use.
    """
    origin = config.setting("hidden_act").origin
    files = find_checkpoint(directory)
    if files is None or origin == "caller" or ACTIVATIONS[config.hidden_act] != "gelu":
        return ()
    meta = _meta(files[0])
    if origin.startswith(meta.name):
        return ()
    try:
        computed = activation(Graph.of_meta(meta), meta.name) if meta.is_file() else None
    except CheckpointError:  # a graph that nobody asked for
        computed = None
    if computed is None:
        return (_EITHER_FORM,)
    if ACTIVATIONS[computed] == "gelu":
        return ()
    return (
        f"{origin} is {config.hidden_act}, which is taken for the erf form, but the graph in"
        f" {meta.name} computes {computed}: give activation='{computed}' for that",
    )


def _indexes(directory: Path) -> list[Path]:
    """List the indexes of checkpoints; other tools' files end in .index, too."""
    return [
        path
        for path in directory.glob("*.index")
        if "ckpt" in path.name or path.with_suffix(".data-00000-of-00001").is_file()
    ]


def _meta(index: Path) -> Path:
    """Name the file of a checkpoint's graph."""
    return index.with_suffix(".meta")


def _choose(directory: Path, names: list[str]) -> str:
    """Choose one of several checkpoints: the one that TensorFlow says is the latest."""
    state = directory / STATE
    if not state.is_file():
        if len(names) == 1:
            return names[0]
        raise CheckpointError(
            f"{directory} has the checkpoints {', '.join(names)} and no file that names the one to"
            f' use; write the line model_checkpoint_path: "{names[-1]}" into {state}'
        )
    latest = _latest(state)
    if latest not in names:
        raise CheckpointError(
            f"{STATE} names {latest}, but {directory} has only {', '.join(names)};"
            f" copy the files of {latest} too, or change the name"
        )
    return latest


def _latest(state: Path) -> str:
    """Read the latest checkpoint's name, without the directory in which it was trained."""
    try:
        with state.open("rb") as file:
            match = _LATEST.search(file.read(_LARGEST_STATE))
    except OSError as error:
        raise CheckpointError(f"{STATE} can't be read: {error.strerror}") from error
    if match is None:
        raise CheckpointError(
            f"{STATE} has no line model_checkpoint_path: expected the name of the latest"
        )
    try:
        # Protocol buffers' text escapes bytes as Python does.
        path = match[1].decode("unicode_escape").encode("latin-1").decode("utf-8")
    except ValueError as error:
        raise CheckpointError(f"{STATE}: {match[1]!r} is no path: {error}") from error
    return re.split(r"[/\\]", path)[-1]
