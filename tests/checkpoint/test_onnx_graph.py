"""Weights by name, from graphs as torch's two exporters write them, and from damaged ones."""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.onnx_files import read_onnx
from bertie.checkpoint.onnx_graph import named_weights
from bertie.checkpoint.onnx_model import Graph, Node
from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError

DATA = Path(__file__).parents[1] / "data"
TORCHSCRIPT = DATA / "tiny-onnx/torchscript/model.onnx"
DYNAMO = DATA / "tiny-onnx/dynamo/onnx/model.onnx"


def tensor(*shape: int, start: int = 0) -> Tensor:
    """Make a tensor of counted numbers."""
    values = np.arange(start, start + int(np.prod(shape)), dtype=np.float32)
    return Tensor("t", "F32", shape, values.view(np.uint8))


def node(op: str, inputs: str, outputs: str, domain: str = "", **numbers: int) -> Node:
    """Make a node."""
    told = {name: (value,) for name, value in numbers.items()}
    return Node(op, domain, tuple(inputs.split()), tuple(outputs.split()), told, None)


WORDS = {"m.bert.embeddings.word_embeddings.weight": tensor(5, 2)}


def graph(*nodes: Node, **tensors: Tensor) -> Graph:
    """Make a graph of an embedding and of what a test is about; __ in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in tensors.items()}
    first = node("Gather", f"{next(iter(WORDS))} ids", "x")
    return Graph("g.onnx", (first, *nodes), {**WORDS, **named}, ("ids",))


@pytest.mark.parametrize("path", [TORCHSCRIPT, DYNAMO], ids=["torchscript", "dynamo"])
def test_torchs_exports_give_the_very_tensors_that_transformers_saved(path: Path) -> None:
    saved = read_safetensors(DATA / "tiny-bert/model.safetensors")
    expected = {n: t for n, t in saved.items() if "layer.1." not in n and "layer.2." not in n}
    read = read_onnx((path,))
    assert read.keys() - {"embeddings.position_ids"} == expected.keys()
    for name, tensor in expected.items():
        assert np.array_equal(read[name].float32(), tensor.float32())
        assert read[name].mapping is not None


def test_a_weight_is_named_by_the_bias_that_its_product_is_added_to() -> None:
    weights = named_weights(
        graph(
            node("MatMul", "x W", "p"),
            node("Add", "m.a.bias p", "q"),
            W=tensor(2, 3),
            m__a__bias=tensor(3),
        )
    )
    assert weights.keys() == {"bert.embeddings.word_embeddings.weight", "a.weight", "a.bias"}
    assert weights["a.weight"].float32().tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("nodes", "transposed"),
    [
        ([node("Gemm", "x m.a.weight m.a.bias", "p", transB=1)], False),
        ([node("Gemm", "x m.a.weight", "p", transB=1), node("Add", "p m.a.bias", "q")], False),
        ([node("Gemm", "x m.a.weight m.a.bias", "p")], True),
        ([node("Transpose", "m.a.weight", "t"), node("MatMul", "x t", "p")], False),
        ([node("Identity", "m.a.weight", "i"), node("MatMul", "x i", "p")], True),
    ],
)
def test_a_weight_is_given_as_it_is_multiplied_whatever_its_shape(
    nodes: list[Node], transposed: bool
) -> None:
    square = tensor(2, 2)
    read = named_weights(graph(*nodes, m__a__weight=square, m__a__bias=tensor(2)))["a.weight"]
    expected = square.float32().T if transposed else square.float32()
    assert read.float32().tolist() == expected.tolist()


def test_tensors_that_were_merged_are_found_under_the_names_of_all() -> None:
    weights = named_weights(
        graph(
            node("Identity", "m.a.bias", "m.b.bias"),
            node("Identity", "W", "V"),
            node("MatMul", "x W", "p"),
            node("Add", "p m.a.bias", "q"),
            node("MatMul", "x V", "r"),
            node("Add", "r m.b.bias", "s"),
            W=tensor(2, 2),
            m__a__bias=tensor(2),
        )
    )
    assert weights["b.bias"].float32().tolist() == weights["a.bias"].float32().tolist()
    assert weights["b.weight"].float32().tolist() == weights["a.weight"].float32().tolist()


def test_layers_that_share_a_weight_may_have_copies_of_it() -> None:
    nodes = (
        node("MatMul", "x W", "p"),
        node("Add", "p m.a.bias", "q"),
        node("MatMul", "q V", "r"),
        node("Add", "r m.a.bias", "s"),
    )
    same = graph(*nodes, W=tensor(2, 2), V=tensor(2, 2), m__a__bias=tensor(2))
    assert "a.weight" in named_weights(same)
    other = graph(*nodes, W=tensor(2, 2), V=tensor(2, 2, start=1), m__a__bias=tensor(2))
    with pytest.raises(CheckpointError, match=r"with W and with V both add m\.a\.bias, as"):
        named_weights(other)


def test_the_last_layer_of_a_language_model_is_called_as_transformers_does() -> None:
    product = node("MatMul", "x W", "p"), node("Add", "p m.cls.predictions.bias", "q")
    bias = {"m__cls__predictions__bias": tensor(5)}
    weights = named_weights(graph(*product, W=tensor(2, 5), **bias))
    assert "cls.predictions.decoder.weight" in weights


def test_a_weight_that_berties_graphs_call_transposed_is_named_without_a_bias() -> None:
    one = graph(
        node("MatMul", "x m.a.weight^T", "p"),
        node("MatMul", "t m.a.weight^T", "q"),
        node("Add", "q m.b.bias", "r"),
        t=tensor(3, 2),
        **{"m.a.weight^T": tensor(2, 3)},
        m__b__bias=tensor(3),
    )
    weights = named_weights(one)
    assert weights.keys() == {"bert.embeddings.word_embeddings.weight", "a.weight", "b.bias", "t"}
    assert weights["a.weight"].float32().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_matrix_that_nothing_names_keeps_the_graphs_name() -> None:
    weights = named_weights(graph(node("MatMul", "x W", "p"), W=tensor(2, 2), c=tensor(1, 9)))
    assert weights.keys() == {"bert.embeddings.word_embeddings.weight", "W"}


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            [node("Attention", "x", "y", "com.microsoft")],
            "operator com.microsoft.Attention, as graphs that an engine has optimized",
        ),
        ([node("DynamicQuantizeLinear", "x", "y s z")], "DynamicQuantizeLinear, as quantized"),
        ([node("Relu", "nothing", "y")], "the operator Relu takes nothing, which nothing before"),
    ],
)
def test_a_graph_that_was_rewritten_or_damaged_is_refused(nodes: list[Node], said: str) -> None:
    assert named_weights(graph(node("Relu", "x", "y", "ai.onnx")))
    with pytest.raises(CheckpointError, match=rf"^g.onnx: .*{said}"):
        named_weights(graph(*nodes))


def test_a_graph_without_word_embeddings_is_not_known() -> None:
    other = Graph("g.onnx", (node("Conv", "x", "y"),), {}, ("x",))
    with pytest.raises(CheckpointError, match=r"none of its tensors .* operators are Conv"):
        named_weights(other)


def test_word_embeddings_that_are_computed_are_called_quantized() -> None:
    (name,) = WORDS
    nodes = node("Mul", "q scale", name), node("Gather", f"{name} ids", "x")
    computed = Graph("g.onnx", nodes, {"q": tensor(5, 2), "scale": tensor(1)}, ("ids",))
    with pytest.raises(CheckpointError, match="no tensor but computed by the operator Mul, as in"):
        named_weights(computed)


def test_a_damaged_name_does_not_move_a_weight() -> None:
    nodes = (
        node("MatMul", "x W", "p"),
        node("Add", "p m.a.bias", "q"),
        node("MatMul", "q W", "r"),  # V, before it was damaged
        node("Add", "r m.b.bias", "s"),
    )
    tensors = {"W": tensor(2, 2), "V": tensor(2, 2), "m__a__bias": tensor(2)}
    with pytest.raises(CheckpointError, match=r"W is the weight both of m.a.weight and of m.b"):
        named_weights(graph(*nodes, **tensors, m__b__bias=tensor(2)))
