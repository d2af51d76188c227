"""An encoder of BERT's family as an ONNX graph, read like reference.py, but with padding.

Sources: Devlin et al., BERT, arXiv:1810.04805; Liu et al., RoBERTa, arXiv:1907.11692; Song et al.,
MPNet, arXiv:2004.09297; Lan et al., ALBERT, arXiv:1909.11942.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.engine.reference import distance_bucket
from bertie.export.onnx_net import INT64, Net

INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS = "input_ids", "attention_mask", "token_type_ids"

# What stands for minus infinity before the softmax, as in transformers: a row of nothing but it
# still has a softmax.
_MASKED = float(np.finfo(np.float32).min)


def gelu(net: Net, x: str) -> str:
    """x times the normal distribution function at x, by erf."""
    share = net.add("Erf", net.add("Div", x, net.constant(math.sqrt(2))))
    return net.add(
        "Mul",
        net.add("Mul", x, net.add("Add", share, net.constant(1.0))),
        net.constant(0.5),
    )


def gelu_tanh(net: Net, x: str) -> str:
    """The approximation of it by tanh."""
    cubed = net.add("Mul", net.add("Mul", net.add("Mul", x, x), x), net.constant(0.044715))
    inner = net.add("Mul", net.add("Add", x, cubed), net.constant(math.sqrt(2 / math.pi)))
    share = net.add("Add", net.add("Tanh", inner), net.constant(1.0))
    return net.add("Mul", net.add("Mul", x, share), net.constant(0.5))


# The core's word for an activation → what computes it.
FORMS: Mapping[str, Callable[[Net, str], str]] = {
    "identity": lambda net, x: x,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu": lambda net, x: net.add("Relu", x),
    "tanh": lambda net, x: net.add("Tanh", x),
}


def dense(net: Net, x: str, name: str, weight: Tensor, bias: Tensor | None) -> str:
    """Multiply by a weight of (out, in) and add a bias."""
    with net.scope(name):
        product = net.add("MatMul", x, net.transposed(f"{name}.weight", weight))
        return (
            product if bias is None else net.add("Add", product, net.tensor(f"{name}.bias", bias))
        )


def norm(net: Net, x: str, name: str, gain: Tensor, bias: Tensor | None, epsilon: float) -> str:
    """Normalize along the last axis."""
    with net.scope(name):
        given = [net.tensor(f"{name}.weight", gain)]
        if bias is not None:
            given.append(net.tensor(f"{name}.bias", bias))
        return net.add("LayerNormalization", x, *given, axis=-1, epsilon=epsilon)


def add_encoder(net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor]) -> list[str]:
    """Add an encoder and its inputs to a graph.

    Args:
        net: an empty graph.
        config: the encoder's sizes.
        tensors: all that it uses, by canonical name.
    Returns: the values after the embeddings and after every pass, float32 (batch, sequence,
        hidden_size).
    """
    heads = config.num_attention_heads
    head_size = config.hidden_size // heads
    activation = FORMS[ACTIVATIONS[config.hidden_act]]

    def apply(x: str, name: str) -> str:
        return dense(net, x, name, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def normalize(x: str, name: str) -> str:
        gain, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return norm(net, x, name, gain, bias, config.layer_norm_eps)

    def split(x: str, order: tuple[int, ...]) -> str:
        # (batch, sequence, hidden) → (batch, sequence, heads, head size), and its axes in order
        return net.add("Transpose", net.add("Reshape", x, divided), perm=order)

    ids, mask = net.input(INPUT_IDS), net.input(ATTENTION_MASK)
    divided = net.constant([0, 0, heads, head_size], np.int64)
    joined = net.constant([0, 0, config.hidden_size], np.int64)
    x = _embeddings(net, config, tensors, ids)
    x = normalize(x, "embeddings.LayerNorm")
    if config.projects_embeddings:
        x = apply(x, "embeddings.projection")
    states = [x]

    # What is added to every score: where keys are padding, and how far apart tokens are.
    with net.scope("mask"):
        wide = net.add("Unsqueeze", mask, net.constant([1, 2], np.int64))
        padding = net.add("Sub", net.constant(1.0), net.add("Cast", wide, to=1))
        added = net.add("Mul", padding, net.constant(_MASKED))
    if config.relative_attention_num_buckets:
        added = net.add("Add", _distances(net, config, tensors, ids), added)

    for number in config.layer_weights:
        layer = f"encoder.layer.{number}"
        query = split(apply(x, f"{layer}.attention.self.query"), (0, 2, 1, 3))
        key = split(apply(x, f"{layer}.attention.self.key"), (0, 2, 3, 1))
        value = split(apply(x, f"{layer}.attention.self.value"), (0, 2, 1, 3))
        with net.scope(f"{layer}.attention.self"):
            scores = net.add("MatMul", query, key)
            scores = net.add("Div", scores, net.constant(math.sqrt(head_size)))
            share = net.add("Softmax", net.add("Add", scores, added), axis=-1)
            context = net.add("Transpose", net.add("MatMul", share, value), perm=(0, 2, 1, 3))
            context = net.add("Reshape", context, joined)
        attended = apply(context, f"{layer}.attention.output.dense")
        x = normalize(net.add("Add", attended, x), f"{layer}.attention.output.LayerNorm")

        inner = apply(x, f"{layer}.intermediate.dense")
        with net.scope(f"{layer}.intermediate"):
            inner = activation(net, inner)
        x = net.add("Add", apply(inner, f"{layer}.output.dense"), x)
        x = normalize(x, f"{layer}.output.LayerNorm")
        states.append(x)
    return states


def _embeddings(net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor], ids: str) -> str:
    """Sum what every token is, where it stands and which segment it is in."""

    def table(name: str) -> str:
        name = f"embeddings.{name}_embeddings.weight"
        return net.tensor(name, tensors[name])

    with net.scope("embeddings"):
        x = net.add("Gather", table("word"), ids)
        if config.type_vocab_size > 1:
            types = net.add("Gather", table("token_type"), net.input(TOKEN_TYPE_IDS))
            x = net.add("Add", x, types)
        elif config.type_vocab_size:  # one kind of segment: its row is added to every token
            x = net.add("Add", x, table("token_type"))
        return net.add("Add", x, _positions(net, config, table("position"), ids))


def _positions(net: Net, config: EncoderConfig, table: str, ids: str) -> str:
    """Give the embeddings of the tokens' positions."""
    if config.position_padding is None:
        first = net.constant([0], np.int64)
        return net.add("Slice", table, first, net.add("Shape", ids, start=1, end=2), first)
    # Tokens count from the padding's id on; padding doesn't count and stands at that id.
    pad = net.constant(config.position_padding, np.int64)
    real = net.add("Cast", net.add("Not", net.add("Equal", ids, pad)), to=INT64)
    counted = net.add("CumSum", real, net.constant(1, np.int64))
    return net.add("Gather", table, net.add("Add", net.add("Mul", counted, real), pad))


def _distances(net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor], ids: str) -> str:
    """Give what each head adds to a score by how far apart query and key are."""
    name = "relative_attention_bias.weight"
    largest = config.max_position_embeddings - 1
    every = np.arange(-largest, largest + 1)
    kinds = distance_bucket(every, config.relative_attention_num_buckets)
    with net.scope("relative_attention_bias"):
        zero, one = net.constant(0, np.int64), net.constant(1, np.int64)
        first, second = net.constant([0], np.int64), net.constant([1], np.int64)
        length = net.add("Squeeze", net.add("Shape", ids, start=1, end=2), first)
        places = net.add("Range", zero, length, one)
        distances = net.add(
            "Sub", net.add("Unsqueeze", places, first), net.add("Unsqueeze", places, second)
        )
        index = net.add("Add", distances, net.constant(largest, np.int64))
        kind = net.add(
            "Gather", net.array("relative_buckets", kinds.astype(np.int64), INT64), index
        )
        bias = net.add("Gather", net.tensor(name, tensors[name]), kind)
        # (query, key, heads) → (1, heads, query, key)
        return net.add("Unsqueeze", net.add("Transpose", bias, perm=(2, 0, 1)), first)
