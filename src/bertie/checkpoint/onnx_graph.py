"""Finding an encoder's weights in an ONNX graph.

torch.onnx keeps the names of embeddings, biases and layer norms, but writes a dense layer's weight
transposed under a name of its own (onnx::MatMul_123, val_45). Such a weight gets its name from the
bias that is added to the product. Equal tensors may have been merged: an Identity then carries the
name of each that has gone. Bertie's own graphs say of a transposed weight whose it is, since newer
encoders' layers have no biases.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.onnx_model import Graph
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.errors import CheckpointError

_STANDARD = ("", "ai.onnx")
_QUANTIZED = frozenset(
    {
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    }
)
# A name that a module gave: parts with dots between, none of a counter's "::" or a scope's "/".
_PARAMETER = re.compile(r"(?:\w+\.)+[a-z]\w*")
# What comes before the encoder's own names: that of a model around it. "model" is any wrapper's
# word, too, and names are as good without it.
_PREFIXES = "|".join(sorted({one.prefix for one in ARCHITECTURES.values()} - {"model"}))
_WORD_EMBEDDINGS = re.compile(
    rf"(.*?)(?:(?:{_PREFIXES})\.)?"
    r"embeddings\.word_embeddings\.weight"
)
# Biases whose weight isn't called like them: those of masked language models' last layers.
_DECODERS: Mapping[str, str] = {
    tie.of: f"{tie.name.removesuffix('bias')}weight"
    for architecture in ARCHITECTURES.values()
    for tie in architecture.ties
    if tie.name.endswith(".bias")
}
# What Bertie's graphs put behind the name of a weight that they hold transposed.
TRANSPOSED = "^T"
_SUPPORTED = (
    "supported: encoders of BERT's family as torch.onnx, optimum and Bertie export them, and newer"
    " ones, whose layers have no biases to tell weights by, as Bertie does"
)


@dataclass(frozen=True)
class _Value:
    """An initializer as the graph's values name it.

    Attributes:
        name: the initializer's.
        transposed: whether the value is it with rows and columns swapped.
    """

    name: str
    transposed: bool = False


@dataclass(frozen=True)
class _Product:
    """A dense layer: a product with an initializer, and what is added to it.

    Attributes:
        factor: what the graph calls the second factor.
        weight: the same, (in, out).
        bias: what the graph calls that which is added, if it is an initializer.
    """

    factor: str
    weight: _Value
    bias: str | None


def named_weights(graph: Graph) -> dict[str, Tensor]:
    """Find a graph's weights.

    Args:
        graph: of an encoder of BERT's family, with or without a head.
    Returns: tensors by the names that transformers gives them, dense weights as (out, in); a
        matrix that nothing gives a name keeps the graph's.
    Raises: CheckpointError: the graph isn't known: operators that were fused or quantized, by
        name; names that don't fit together; no word embeddings.
    """
    _refuse_operators(graph)
    _refuse_dangling(graph)
    tensors = _tensors(graph)
    values = _values(graph, tensors)
    dense = _dense(graph, tensors, values)
    used = {value.name for value in dense.values()}
    found = {
        name: value
        for name, value in values.items()
        if _PARAMETER.fullmatch(name) and value.name not in used
    }
    nameless = {
        name: _Value(name)
        for name, tensor in tensors.items()
        if name not in used | found.keys() and _is_matrix(tensor)
    }
    _refuse_shared(graph, dense, nameless)
    prefix = _prefix(graph, found | dense)
    return {
        name.removeprefix(prefix): _as_weight(tensors[value.name], value.transposed)
        for name, value in (found | nameless | dense).items()
    }


def _refuse_operators(graph: Graph) -> None:
    """Refuse graphs that were rewritten for an engine."""
    for node in graph.nodes:
        if node.domain not in _STANDARD:
            raise CheckpointError(
                f"{graph.where}: the graph isn't known: it has the operator"
                f" {node.domain}.{node.op}, as graphs that an engine has optimized; {_SUPPORTED}"
            )
        if node.op in _QUANTIZED:
            raise CheckpointError(
                f"{graph.where}: the graph isn't known: it has the operator {node.op}, as"
                f" quantized graphs; export it without quantization; {_SUPPORTED}"
            )


def _refuse_dangling(graph: Graph) -> None:
    """Refuse a graph that uses what nothing in it defines: a name in it is damaged."""
    defined = {"", *graph.initializers, *graph.inputs}
    for node in graph.nodes:
        for name in node.inputs:
            if name not in defined:
                raise CheckpointError(
                    f"{graph.where}: the operator {node.op} takes {name}, which nothing before it"
                    " gives; the file is damaged: fetch it again"
                )
        defined.update(node.outputs)


def _tensors(graph: Graph) -> dict[str, Tensor]:
    """Collect the initializers and the constants among the nodes."""
    tensors = {name: tensor for name, tensor in graph.initializers.items() if tensor is not None}
    for node in graph.nodes:
        if node.op == "Constant" and node.value is not None:
            tensors.setdefault(node.outputs[0], node.value)
    return tensors


def _values(graph: Graph, tensors: Mapping[str, Tensor]) -> dict[str, _Value]:
    """Follow initializers through the operators that only rename or transpose them."""
    values = {name: _Value(name) for name in tensors}
    for node in graph.nodes:
        value = values.get(node.inputs[0]) if node.inputs else None
        if value is None or len(node.outputs) != 1:
            continue
        if node.op == "Identity":
            values[node.outputs[0]] = value
        elif node.op == "Transpose" and node.numbers.get("perm", (1, 0)) == (1, 0):
            values[node.outputs[0]] = replace(value, transposed=not value.transposed)
    return values


def _products(graph: Graph, values: Mapping[str, _Value]) -> Iterator[_Product]:
    """Give every product with an initializer."""
    added: dict[str, str] = {}
    for node in graph.nodes:
        if node.op == "Add" and len(node.inputs) == 2:
            first, second = node.inputs
            added.setdefault(first, second)
            added.setdefault(second, first)
    for node in graph.nodes:
        if node.op not in ("MatMul", "Gemm") or len(node.inputs) < 2 or len(node.outputs) != 1:
            continue
        factor, bias = node.inputs[1], added.get(node.outputs[0])
        weight = values.get(factor)
        if weight is None:
            continue
        if node.op == "Gemm":
            bias = node.inputs[2] if len(node.inputs) > 2 else bias
            if node.numbers.get("transB") == (1,):
                weight = replace(weight, transposed=not weight.transposed)
        yield _Product(factor, weight, bias if bias in values else None)


def _dense(
    graph: Graph, tensors: Mapping[str, Tensor], values: Mapping[str, _Value]
) -> dict[str, _Value]:
    """Name the weights of dense layers, which are kept as (out, in)."""
    dense: dict[str, _Value] = {}
    for product in _products(graph, values):
        name = _weight_name(product)
        if name is None:
            continue
        kept = replace(product.weight, transposed=not product.weight.transposed)
        if not _same(tensors, dense.setdefault(name, kept), kept):
            raise CheckpointError(
                f"{graph.where}: the graph isn't known: products with {dense[name].name} and with"
                f" {kept.name} both add {product.bias}, as where equal biases were merged, so"
                f" their weights have no name; {_SUPPORTED}"
            )
    return dense


def _weight_name(product: _Product) -> str | None:
    """Name a product's weight: as the graph does, or by its bias."""
    if product.factor.endswith(TRANSPOSED):
        return product.factor.removesuffix(TRANSPOSED)
    for name in (product.factor, product.weight.name):
        if _PARAMETER.fullmatch(name) and name.endswith(".weight"):
            return name
    bias = product.bias
    if bias is None or not _PARAMETER.fullmatch(bias) or not bias.endswith(".bias"):
        return None
    for ending, becomes in _DECODERS.items():
        if bias == ending or bias.endswith(f".{ending}"):
            return bias.removesuffix(ending) + becomes
    return bias.removesuffix("bias") + "weight"


def _same(tensors: Mapping[str, Tensor], one: _Value, other: _Value) -> bool:
    """Tell whether two values are equal: layers that share weights may have copies of them."""
    first, second = tensors[one.name], tensors[other.name]
    return one == other or (
        (one.transposed, first.dtype, first.shape) == (other.transposed, second.dtype, second.shape)
        and np.array_equal(first.data, second.data)
    )


def _refuse_shared(
    graph: Graph, dense: Mapping[str, _Value], nameless: Mapping[str, _Value]
) -> None:
    """Refuse a weight of two names where another has none: one of them is damaged."""
    first: dict[_Value, str] = {}
    for name, value in dense.items():
        if first.setdefault(value, name) != name and nameless:
            raise CheckpointError(
                f"{graph.where}: {value.name} is the weight both of {first[value]} and of {name},"
                f" and {', '.join(nameless)} of none; the file is damaged: fetch it again"
            )


def _prefix(graph: Graph, found: Mapping[str, _Value]) -> str:
    """Find what the names have before those of transformers, by the word embeddings."""
    prefixes = {match[1] for name in found if (match := _WORD_EMBEDDINGS.fullmatch(name))}
    for node in graph.nodes:
        if not prefixes and any(_WORD_EMBEDDINGS.fullmatch(name) for name in node.outputs):
            raise CheckpointError(
                f"{graph.where}: the graph isn't known: {node.outputs[0]} is no tensor but computed"
                f" by the operator {node.op}, as in quantized graphs; export it without"
                f" quantization; {_SUPPORTED}"
            )
    if len(prefixes) != 1:
        operators = ", ".join(sorted({node.op for node in graph.nodes})[:20])
        raise CheckpointError(
            f"{graph.where}: the graph isn't known: {len(prefixes) or 'none'} of its tensors is"
            f" called embeddings.word_embeddings.weight, expected one; its operators are"
            f" {operators}; {_SUPPORTED}"
        )
    return prefixes.pop()


def _is_matrix(tensor: Tensor) -> bool:
    """Tell whether a tensor may be a weight rather than a constant of the graph's."""
    return tensor.dtype in FLOAT_DTYPES and len(tensor.shape) == 2 and min(tensor.shape) > 1


def _as_weight(tensor: Tensor, transposed: bool) -> Tensor:
    """Give a tensor, or the view of it that swaps rows and columns."""
    if not transposed or len(tensor.shape) != 2:
        return tensor
    rows, columns = tensor.shape
    return replace(tensor, shape=(columns, rows), strides=(1, columns))
