"""SavedModels: a graph with signatures, and the variables as a bundle beside it.

gobert exports them with the tags bert-pretrained and bert-tuned.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.checkpoint import find_checkpoint
from bertie.checkpoint.tensorflow.derived_config import derive_config
from bertie.checkpoint.tensorflow.graph import Graph
from bertie.checkpoint.tensorflow.model import read_model
from bertie.errors import CheckpointError

GRAPH = "saved_model.pb"
VARIABLES = "variables"
_INDEX = "variables.index"
_TAGS = ("bert-tuned", "bert-pretrained", "serve")
# The tag under which gobert exports the states before the last layer.
_PRETRAINED = "bert-pretrained"
# The inputs of a graph whose second axis is the sequence.
_IDS = ("input_ids", "input_mask", "input_type_ids", "segment_ids")


def find_saved_model(directory: Path) -> tuple[Path, ...] | None:
    """Find a directory's SavedModel: its graph, the index of its variables and their shards.

    Returns: the files, or None where there is no SavedModel.
    Raises: CheckpointError: the variables are missing, or inside the graph.
    """
    graph = directory / GRAPH
    if not graph.is_file():
        return None
    found = find_checkpoint(directory / VARIABLES) if (directory / VARIABLES).is_dir() else None
    if found is None or found[0].name != _INDEX:
        raise CheckpointError(
            f"{directory} has {GRAPH} without {VARIABLES}/{_INDEX}: copy the whole directory; a"
            " graph whose variables were frozen into it is not supported"
        )
    return (graph, *found)


def read_saved_model(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Map the weights of the SavedModel that find_saved_model found, by transformers' names.

    Raises: CheckpointError: as read_model does.
    """
    return read_model(files[1])


def saved_model_config(directory: Path) -> tuple[Mapping[str, Any], str] | None:
    """Derive a config from a SavedModel's graph and shapes.

    Raises: CheckpointError: the graph isn't one of BERT's.
    """
    files = find_saved_model(directory)
    if files is None:
        return None
    graph, index, *_ = files
    return derive_config(Graph.of_saved_model(graph, _TAGS), Bundle.read(index), GRAPH), GRAPH


def saved_model_notes(directory: Path, config: EncoderConfig) -> tuple[str, ...]:
    """Say what is worth knowing of a SavedModel beside what its config says.

    Args:
        directory: the SavedModel's.
        config: that in use.
    """
    graph = Graph.of_saved_model(directory / GRAPH, _TAGS)
    notes = []
    if _PRETRAINED in graph.tags and config.num_hidden_layers > 1:
        notes.append(
            f"{GRAPH}: gobert's graph of the tag {_PRETRAINED} gives the second-to-last layer;"
            " here layers=[-2] does, and the last layer is used otherwise"
        )
    longest = {
        shape[1]
        for signature in graph.signatures.values()
        for name, shape in signature.inputs.items()
        if name in _IDS and len(shape) == 2 and shape[1] > 0
    }
    if len(longest) == 1:
        tokens = longest.pop()
        notes.append(
            f"{GRAPH}: the graph was exported for {tokens} tokens; here"
            f" {config.max_position_embeddings} positions are usable: give max_length={tokens} to"
            " cut texts as it does"
        )
    return tuple(notes)
