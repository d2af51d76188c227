"""A config, from what the shapes of the variables and the operations of the graph tell."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.graph import Graph, Node
from bertie.checkpoint.tensorflow.names import translate
from bertie.errors import CheckpointError

# The operation under intermediate/dense → config.json's name of the activation.
_ACTIVATIONS: Mapping[str, str] = {"Erf": "gelu", "Tanh": "gelu_new", "Relu": "relu"}
# The tensor that only a model for a task has → transformers' class of such models.
_ARCHITECTURES: Mapping[str, str] = {
    "classifier.weight": "BertForSequenceClassification",
    "qa_outputs.weight": "BertForQuestionAnswering",
    "cls.seq_relationship.weight": "BertForPreTraining",
    "cls.predictions.bias": "BertForMaskedLM",
}
# What Google's layer norm adds to the variance, where the graph doesn't say.
_LAYER_NORM_EPS = 1e-12

_LAYER = re.compile(r"bert\.encoder\.layer\.(\d{1,6})\.")
_ACTIVATION = re.compile(r"encoder/layer_\d+/intermediate/dense/[^/]*$")
_RESHAPE = re.compile(r"encoder/layer_\d+/attention/self/Reshape(_\d+)?$")
_EPSILON = re.compile(r"embeddings/LayerNorm/batchnorm/add/y$")


def derive_config(graph: Graph, bundle: Bundle, where: str) -> dict[str, Any]:
    """Derive what bert_config.json would say.

    Args:
        graph: as saved.
        bundle: the variables; only their shapes are read.
        where: the graph's file, for messages.
    Returns: a config of the kind that config.json is.
    Raises: CheckpointError: the variables or the operations aren't those of Google's BERT.
    """
    shapes = {translate(name): entry.shape for name, entry in bundle.entries.items()}
    layers = {int(match[1]) for name in shapes if (match := _LAYER.match(name))}
    words = _matrix(shapes, "bert.embeddings.word_embeddings.weight", bundle)
    hidden = words[1]
    kernel = _matrix(shapes, "bert.encoder.layer.0.intermediate.dense.weight", bundle)
    heads = [name for name in _ARCHITECTURES if name in shapes]
    return {
        "model_type": "bert",
        "architectures": [_ARCHITECTURES[heads[0]] if heads else "BertModel"],
        "vocab_size": words[0],
        "hidden_size": hidden,
        "num_hidden_layers": max(layers) + 1,
        "num_attention_heads": _attention_heads(graph, hidden, where),
        "intermediate_size": kernel[1],  # Google's kernels are (inputs, outputs)
        "max_position_embeddings": _matrix(
            shapes, "bert.embeddings.position_embeddings.weight", bundle
        )[0],
        "type_vocab_size": _matrix(shapes, "bert.embeddings.token_type_embeddings.weight", bundle)[
            0
        ],
        "hidden_act": activation(graph, where),
        "layer_norm_eps": _layer_norm_eps(graph),
    }


def activation(graph: Graph, where: str) -> str:
    """Find the activation by the operation that computes it.

    Args:
        graph: as saved.
        where: its file, for messages.
    Returns: config.json's name for it.
    Raises: CheckpointError: there is none that is known, or there are several.
    """
    found = {
        _ACTIVATIONS[node.op]
        for name, node in graph.nodes.items()
        if node.op in _ACTIVATIONS and _ACTIVATION.search(name)
    }
    if len(found) != 1:
        raise CheckpointError(
            f"{where}: the operations under intermediate/dense are"
            f" {', '.join(sorted(found)) or 'no activation that is known'}, expected one of"
            f" {', '.join(_ACTIVATIONS)}: give config= with hidden_act"
        )
    return found.pop()


def _attention_heads(graph: Graph, hidden: int, where: str) -> int:
    """Find the number of heads in the shapes that attention is brought into."""
    found = set()
    for name, node in graph.nodes.items():
        if _RESHAPE.search(name) and node.op == "Reshape" and len(node.inputs) > 1:
            *_, heads, width = (0, 0, *_shape(graph, node.inputs[1]))
            # Afterwards it is brought back into (tokens, hidden).
            if heads > 0 and width > 0 and heads * width == hidden:
                found.add(heads)
    if len(found) != 1:
        raise CheckpointError(
            f"{where}: the shapes under attention/self tell"
            f" {', '.join(map(str, sorted(found))) or 'no number of heads'}, expected one number:"
            " give config= with num_attention_heads"
        )
    return int(found.pop())


def _shape(graph: Graph, name: str) -> tuple[float, ...]:
    """Read the shape that a node gives: a constant, or one packed of numbers; 0 for unknown ones.

    Four of them say how the states are split into heads, two or three how they are joined again.
    """
    node = graph.nodes.get(name, Node("", ()))
    if node.op == "Const":
        shape = node.values
    elif node.op == "Pack":
        numbers = (graph.nodes.get(each, Node("", ())).values for each in node.inputs)
        shape = tuple(values[0] if len(values) == 1 else 0 for values in numbers)
    else:
        shape = ()
    return shape if len(shape) == 4 else ()


def _layer_norm_eps(graph: Graph) -> float:
    """Find what the layer norm adds to the variance."""
    for name, node in graph.nodes.items():
        if _EPSILON.search(name) and len(node.values) == 1 and node.values[0] > 0:
            # A float32's shortest decimal is what somebody wrote.
            return float(str(np.float32(node.values[0])))
    return _LAYER_NORM_EPS


def _matrix(shapes: Mapping[str, tuple[int, ...]], name: str, bundle: Bundle) -> tuple[int, int]:
    """Give the two lengths of a variable that every BERT has."""
    shape = shapes.get(name, ())
    if len(shape) != 2:
        known = ", ".join(list(bundle.entries)[:3]) or "nothing"
        raise CheckpointError(
            f"{bundle.index.name} has no matrix {name} under Google's name for it, so it isn't"
            f" Google's BERT; it begins with {known}"
        )
    return shape[0], shape[1]
