"""Configs from shapes and operations, against what TensorFlow was told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.derived_config import derive_config
from bertie.checkpoint.tensorflow.graph import Graph, Node
from bertie.errors import CheckpointError

from .writing import DATA, write_bundle

TUNED = DATA / "tuned"
SELF = "bert/encoder/layer_0/attention/self"
DENSE = "bert/encoder/layer_0/intermediate/dense"


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The graph of a classifier of tanh GELU."""
    return Graph.of_saved_model(TUNED / "saved_model.pb", ())


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Its variables."""
    return Bundle.read(TUNED / "variables" / "variables.index")


def shaped(graph: Graph, *shape: Node) -> Graph:
    """Leave one Reshape only, whose shape is packed of these, and the activation."""
    names = [f"{SELF}/Reshape/shape/{axis}" for axis in range(len(shape))]
    nodes = dict(zip(names, shape, strict=True))
    nodes[f"{SELF}/Reshape"] = Node("Reshape", (f"{SELF}/query/BiasAdd", f"{SELF}/Reshape/shape"))
    nodes[f"{SELF}/Reshape/shape"] = Node("Pack", tuple(names))
    nodes[f"{DENSE}/Tanh"] = Node("Tanh", ())
    return replace(graph, nodes=nodes)


def number(value: float) -> Node:
    return Node("Const", (), (value,))


TOKENS = Node("StridedSlice", ())


def test_everything_that_bert_config_would_say_is_derived(graph: Graph, bundle: Bundle) -> None:
    assert derive_config(graph, bundle, "saved_model.pb") == {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "vocab_size": 61,
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "intermediate_size": 20,
        "max_position_embeddings": 24,
        "type_vocab_size": 2,
        "hidden_act": "gelu_new",
        "layer_norm_eps": 1e-12,
    }


@pytest.mark.parametrize(
    ("op", "activation"), [("Erf", "gelu"), ("Tanh", "gelu_new"), ("Relu", "relu")]
)
def test_the_operation_decides_the_activation(
    graph: Graph, bundle: Bundle, op: str, activation: str
) -> None:
    nodes = {name: node for name, node in graph.nodes.items() if node.op != "Tanh"}
    other = replace(graph, nodes={**nodes, f"{DENSE}/{op}": Node(op, ())})
    assert derive_config(other, bundle, "here")["hidden_act"] == activation


def test_no_activation_or_several_are_refused(graph: Graph, bundle: Bundle) -> None:
    nodes = {name: node for name, node in graph.nodes.items() if node.op != "Tanh"}
    with pytest.raises(CheckpointError, match=r"here: .* no activation that is known, expected"):
        derive_config(replace(graph, nodes=nodes), bundle, "here")
    both = {**graph.nodes, f"{DENSE}/Erf": Node("Erf", ())}
    with pytest.raises(CheckpointError, match=r"are gelu, gelu_new, expected one of .*config="):
        derive_config(replace(graph, nodes=both), bundle, "here")


@pytest.mark.parametrize(
    "shape",
    [
        (TOKENS, TOKENS, number(4), number(3)),
        (TOKENS, number(10), number(4), number(3)),
        (number(1), number(10), number(4), number(3)),
    ],
)
def test_heads_are_told_by_the_shape_that_states_are_split_into(
    graph: Graph, bundle: Bundle, shape: tuple[Node, ...]
) -> None:
    assert derive_config(shaped(graph, *shape), bundle, "here")["num_attention_heads"] == 4


def test_heads_are_told_by_one_constant_of_the_whole_shape_too(
    graph: Graph, bundle: Bundle
) -> None:
    other = shaped(graph)
    constant = Node("Const", (), (2, 10, 6, 2))
    other = replace(other, nodes={**other.nodes, f"{SELF}/Reshape/shape": constant})
    assert derive_config(other, bundle, "here")["num_attention_heads"] == 6


@pytest.mark.parametrize(
    "shape",
    [
        (TOKENS, TOKENS, number(4), number(4)),
        (TOKENS, TOKENS, number(-4), number(-3)),
        (TOKENS, TOKENS, TOKENS, number(3)),
        (TOKENS, number(4), number(3)),
        (),
    ],
)
def test_shapes_that_tell_no_heads_are_refused(
    graph: Graph, bundle: Bundle, shape: tuple[Node, ...]
) -> None:
    with pytest.raises(CheckpointError, match=r"no number of heads, expected one .*num_attention"):
        derive_config(shaped(graph, *shape), bundle, "here")


def test_a_graph_whose_layers_have_other_heads_is_refused(graph: Graph, bundle: Bundle) -> None:
    first = shaped(graph, TOKENS, TOKENS, number(4), number(3)).nodes
    second = shaped(graph, TOKENS, TOKENS, number(2), number(6)).nodes
    second = {name.replace("layer_0", "layer_1"): node for name, node in second.items()}
    inputs = tuple(f"{SELF}/Reshape/shape/{axis}" for axis in range(4))
    moved = tuple(name.replace("layer_0", "layer_1") for name in inputs)
    where = "bert/encoder/layer_1/attention/self/Reshape"
    second[f"{where}/shape"] = Node("Pack", moved)
    second[where] = Node("Reshape", ("x", f"{where}/shape"))
    with pytest.raises(CheckpointError, match=r"tell 2, 4, expected one number"):
        derive_config(replace(graph, nodes={**first, **second}), bundle, "here")


def test_the_layer_norms_epsilon_is_the_graphs(graph: Graph, bundle: Bundle) -> None:
    name = "bert/embeddings/LayerNorm/batchnorm/add/y"
    other = {**graph.nodes, name: number(float(np.float32(1e-5)))}
    assert derive_config(replace(graph, nodes=other), bundle, "here")["layer_norm_eps"] == 1e-5
    del other[name]
    assert derive_config(replace(graph, nodes=other), bundle, "here")["layer_norm_eps"] == 1e-12


def test_variables_that_are_not_googles_are_refused(tmp_path: Path, graph: Graph) -> None:
    index = write_bundle(tmp_path, {"vgg/conv": np.zeros((3, 3), np.float32)})
    with pytest.raises(CheckpointError, match=r"isn't Google's BERT; it begins with vgg/conv"):
        derive_config(graph, Bundle.read(index), "here")
