"""BERT's whole forward pass in NumPy, to be read from top to bottom.

The core is tested against this file, and this file against stored outputs of transformers. It
takes one sequence at a time and isn't fast; it computes in float64, so that a difference from the
core is the core's.

Source: Devlin et al., BERT, arXiv:1810.04805; Vaswani et al., arXiv:1706.03762.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.config import ACTIVATIONS, EncoderConfig

Array = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x: Array) -> Array:
    """x times the normal distribution function at x (Hendrycks and Gimpel, arXiv:1606.08415)."""
    share: Array = 0.5 * (1 + _erf(x / math.sqrt(2)))
    return x * share


def gelu_tanh(x: Array) -> Array:
    """The approximation by tanh from the same paper, which some checkpoints were trained with."""
    share: Array = 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * share


def relu(x: Array) -> Array:
    """The larger of x and 0."""
    return np.maximum(x, 0)


_FORMS: Mapping[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu": relu,
}


def softmax(scores: Array) -> Array:
    """Exponentials along the last axis, scaled to sum to 1; the row's maximum is subtracted."""
    weights: Array = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total: Array = weights.sum(axis=-1, keepdims=True)
    return weights / total


def layer_norm(x: Array, gain: Array, bias: Array, epsilon: float) -> Array:
    """Shift and scale each row to mean 0 and variance 1, then apply gain and bias."""
    centred: Array = x - x.mean(axis=-1, keepdims=True)
    variance: Array = (centred**2).mean(axis=-1, keepdims=True)
    deviation: Array = np.sqrt(variance + epsilon)
    return centred / deviation * gain + bias


def forward(
    config: EncoderConfig,
    tensors: Mapping[str, NDArray[np.floating[Any]]],
    ids: Ints,
    type_ids: Ints,
    lengths: Ints,
) -> Array:
    """Compute the hidden states after the embeddings and after every layer.

    Args:
        config: the encoder's sizes.
        tensors: the checkpoint's arrays by canonical name.
        ids: (tokens,) int, sequences one after another.
        type_ids: (tokens,) int, each token's segment.
        lengths: (batch,) int, tokens in each sequence.
    Returns: (num_hidden_layers + 1, tokens, hidden_size) float64.
    """
    weights = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
    ends = np.cumsum(lengths)
    sequences = [
        _forward_one(config, weights, ids[end - length : end], type_ids[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]
    return np.concatenate(sequences, axis=1)


def _forward_one(
    config: EncoderConfig, weights: Mapping[str, Array], ids: Ints, type_ids: Ints
) -> Array:
    """Take one sequence from its ids to the hidden states of every layer."""
    length = len(ids)
    heads = config.num_attention_heads
    head_size = config.hidden_size // heads
    activation = _FORMS[ACTIVATIONS[config.hidden_act]]

    def dense(x: Array, name: str) -> Array:
        # A checkpoint keeps weights as (out, in).
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Array, name: str) -> Array:
        gain, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return layer_norm(x, gain, bias, config.layer_norm_eps)

    def split(x: Array) -> Array:
        # (length, hidden) → (heads, length, head size)
        return x.reshape(length, heads, head_size).transpose(1, 0, 2)

    # Every token is the sum of what it is, where it stands and which segment it is in.
    x = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][:length]
        + weights["embeddings.token_type_embeddings.weight"][type_ids]
    )
    x = norm(x, "embeddings.LayerNorm")
    states = [x]

    for number in range(config.num_hidden_layers):
        layer = f"encoder.layer.{number}"

        # Each head lets every token gather from all tokens, by how well its query fits their keys.
        query = split(dense(x, f"{layer}.attention.self.query"))
        key = split(dense(x, f"{layer}.attention.self.key"))
        value = split(dense(x, f"{layer}.attention.self.value"))
        share = softmax(query @ key.transpose(0, 2, 1) / math.sqrt(head_size))
        context = (share @ value).transpose(1, 0, 2).reshape(length, config.hidden_size)
        attended = dense(context, f"{layer}.attention.output.dense")
        x = norm(x + attended, f"{layer}.attention.output.LayerNorm")

        # Then each token alone passes through two dense layers with the activation between.
        inner = activation(dense(x, f"{layer}.intermediate.dense"))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        states.append(x)

    return np.stack(states)
