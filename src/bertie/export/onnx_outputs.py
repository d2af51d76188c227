"""What an ONNX graph gives: hidden states, pooled vectors, or a head's logits."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bertie.checkpoint.dense import Dense
from bertie.checkpoint.heads import HeadRecord
from bertie.checkpoint.sentence_layout import Normalize, TruncateDim
from bertie.export.onnx_encoder import ATTENTION_MASK
from bertie.export.onnx_layers import FORMS, dense, norm
from bertie.export.onnx_net import FLOAT, Net

HIDDEN, EMBEDDING, LOGITS = "last_hidden_state", "sentence_embedding", "logits"
SPAN = ("start_logits", "end_logits")
POOLER = "pooler_output"

# What transformers' and optimum's own exports call a head's outputs, where it isn't "logits".
_NAMES: Mapping[str, tuple[str, ...]] = {"question_answering": SPAN, "pooler": (POOLER,)}

# The least divisors of sentence-transformers' Pooling and of torch's normalize.
_LEAST_TOKENS, _LEAST_LENGTH = 1e-9, 1e-12


def add_hidden(net: Net, state: str, width: int) -> tuple[str, ...]:
    """Give the last hidden states, (batch, sequence, width). Returns: the output's name."""
    net.output(state, HIDDEN, ("batch", "sequence", width))
    return (HIDDEN,)


def add_embedding(
    net: Net,
    states: Sequence[str],
    modes: Sequence[str],
    modules: Sequence[Dense | Normalize | TruncateDim],
    width: int,
    *,
    average: bool = False,
) -> tuple[str, ...]:
    """Give vectors, (batch, width): each state pooled, and what the modules make of that.

    Args:
        states: hidden states, side by side in the vector.
        modes: keys of POOLINGS, side by side within each state's share.
        modules: in order; the final normalization is one of them, and comes after the cut to width.
        width: floats of a vector that are kept.
        average: whether the states' vectors are averaged rather than laid side by side.
    Returns: the output's name.
    """
    pooled = [POOLINGS[mode](net, state) for state in states for mode in modes]
    if average:
        x = net.add("Div", net.add("Sum", *pooled), net.constant(float(len(pooled))))
    else:
        x = pooled[0] if len(pooled) == 1 else net.add("Concat", *pooled, axis=-1)
    # Whatever normalizes at the end does so to what is kept.
    last = bool(modules) and isinstance(modules[-1], Normalize)
    for number, module in enumerate(modules[:-1] if last else modules):
        if isinstance(module, Dense):
            x = _dense(net, x, number, module)
        elif isinstance(module, TruncateDim):
            x = _truncate(net, x, module.outputs)
        else:
            x = _normalize(net, x)
    x = _truncate(net, x, width)
    net.output(_normalize(net, x) if last else x, EMBEDDING, ("batch", width))
    return (EMBEDDING,)


def _dense(net: Net, x: str, number: int, module: Dense) -> str:
    """Put vectors through a dense module."""
    x = dense(net, x, f"modules.{number}", module.weight, module.bias)
    return FORMS[module.activation](net, x)


def add_head(net: Net, state: str, record: HeadRecord) -> tuple[str, ...]:
    """Give a head's logits, (batch, outputs) or (batch, sequence, outputs).

    Returns: the outputs' names: logits; start_logits and end_logits, (batch, sequence) each, for
        question answering; pooler_output for a pooler.
    """
    x = state if record.pooling is None else POOLINGS[record.pooling](net, state)
    for layer in record.layers:
        if layer.norm_eps is None:
            x = dense(net, x, layer.name, layer.weight, layer.bias)
            x = FORMS[layer.activation](net, x)
        else:
            x = norm(net, x, layer.name, layer.weight, layer.bias, layer.norm_eps)
    if record.reads == "late":
        x = _mean(net, x)
    rows = ("batch", "sequence") if record.reads == "tokens" else ("batch",)
    names = _NAMES.get(record.kind, (LOGITS,))
    if len(names) == 1:
        net.output(x, names[0], (*rows, record.outputs))
    else:
        for number, name in enumerate(names):
            net.output(net.add("Gather", x, net.constant(number, np.int64), axis=-1), name, rows)
    return names


def _first(net: Net, state: str) -> str:
    """Take each sequence's first hidden state."""
    return net.add("Gather", state, net.constant(0, np.int64), axis=1)


def _mask(net: Net) -> str:
    """Give 1 for tokens and 0 for padding, float32 (batch, sequence)."""
    return net.add("Cast", ATTENTION_MASK, to=FLOAT)


def _count(net: Net) -> str:
    """Count each sequence's tokens, float32 (batch, 1)."""
    total = net.add("ReduceSum", _mask(net), net.constant([1], np.int64), keepdims=1)
    return net.add("Max", total, net.constant(_LEAST_TOKENS))


def _numbered(net: Net) -> str:
    """Number each sequence's tokens from 1, int64 (batch, sequence)."""
    return net.add("CumSum", ATTENTION_MASK, net.constant(1, np.int64))


def _weigh(net: Net, state: str, weights: str) -> str:
    """Sum each sequence's hidden states times (batch, sequence) weights."""
    row = net.add("Unsqueeze", weights, net.constant([1], np.int64))
    return net.add("Squeeze", net.add("MatMul", row, state), net.constant([1], np.int64))


def _mean(net: Net, state: str) -> str:
    return net.add("Div", _weigh(net, state, _mask(net)), _count(net))


def _mean_sqrt_length(net: Net, state: str) -> str:
    return net.add("Div", _weigh(net, state, _mask(net)), net.add("Sqrt", _count(net)))


def _weighted_mean(net: Net, state: str) -> str:
    weights = net.add("Mul", net.add("Cast", _numbered(net), to=FLOAT), _mask(net))
    total = net.add("ReduceSum", weights, net.constant([1], np.int64), keepdims=1)
    return net.add("Div", _weigh(net, state, weights), net.add("Max", total, net.constant(1e-9)))


def _max(net: Net, state: str) -> str:
    token = net.add("Cast", net.add("Unsqueeze", ATTENTION_MASK, _last_axis(net)), to=9)
    least = net.constant(float(np.finfo(np.float32).min))
    return net.add("ReduceMax", net.add("Where", token, state, least), axes=[1], keepdims=0)


def _last_token(net: Net, state: str) -> str:
    numbered = _numbered(net)
    last = net.add("ReduceMax", numbered, axes=[1], keepdims=1)
    # Padding behind the last token has its number, too.
    found = net.add("Mul", net.add("Cast", net.add("Equal", numbered, last), to=FLOAT), _mask(net))
    return _weigh(net, state, found)


def _last_axis(net: Net) -> str:
    """Name the axis after the others."""
    return net.constant([2], np.int64)


def _normalize(net: Net, x: str) -> str:
    """Scale each vector to length 1."""
    length = net.add("ReduceL2", x, axes=[-1], keepdims=1)
    return net.add("Div", x, net.add("Max", length, net.constant(_LEAST_LENGTH)))


def _truncate(net: Net, x: str, width: int) -> str:
    """Keep the beginning of each vector."""
    return net.add("Slice", x, *(net.constant([value], np.int64) for value in (0, width, 1)))


# Pooling modes by sentence-transformers' names.
POOLINGS: Mapping[str, Callable[[Net, str], str]] = {
    "mean": _mean,
    "cls": _first,
    "max": _max,
    "mean_sqrt_len_tokens": _mean_sqrt_length,
    "weightedmean": _weighted_mean,
    "lasttoken": _last_token,
}
