"""The whole forward pass of BERT and its kin in NumPy, to be read from top to bottom.

The core is tested against this file, and this file against stored outputs of transformers. It
takes one sequence at a time and isn't fast; it computes in float64, so that a difference from the
core is the core's.

Source: Devlin et al., BERT, arXiv:1810.04805; Vaswani et al., arXiv:1706.03762. Of the kin: Liu et
al., RoBERTa, arXiv:1907.11692; Lan et al., ALBERT, arXiv:1909.11942; Clark et al., ELECTRA,
arXiv:2003.10555; Sanh et al., DistilBERT, arXiv:1910.01108; Song et al., MPNet, arXiv:2004.09297.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig

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


def distance_bucket(distance: Ints, buckets: int) -> Ints:
    """Sort distances from query to key into buckets.

    Half of the buckets is for keys before the query, half for those after it; in each, half of
    those are for single distances and the others grow with the distance's logarithm, the last one
    from 128 tokens on (Raffel et al., T5, arXiv:1910.10683, section 2.1).
    """
    half = buckets // 2
    single = half // 2
    magnitude = np.abs(distance)
    far = np.maximum(magnitude, single) / single
    grown = single + (np.log(far) / math.log(128 / single) * (half - single)).astype(np.int64)
    bucket = np.where(magnitude < single, magnitude, np.minimum(grown, half - 1))
    return bucket + np.where(distance > 0, half, 0)


def forward(
    config: EncoderConfig,
    tensors: Mapping[str, NDArray[np.floating[Any]]],
    ids: Ints,
    type_ids: Ints,
    lengths: Ints,
    attended: Ints | None = None,
) -> Array:
    """Compute the hidden states after the embeddings and after every layer.

    Args:
        config: the encoder's sizes.
        tensors: the checkpoint's arrays by canonical name.
        ids: (tokens,) int, sequences one after another.
        type_ids: (tokens,) int, each token's segment; ignored where the model knows fewer than two.
        lengths: (batch,) int, tokens in each sequence.
        attended: (batch,) int, how many tokens of each, the first ones, all attend to; None: all.
    Returns: (num_hidden_layers + 1, tokens, hidden_size) float64.
    """
    weights = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
    ends = np.cumsum(lengths)
    sequences = [
        _forward_one(config, weights, ids[end - length : end], type_ids[end - length : end], keys)
        for end, length, keys in zip(
            ends, lengths, lengths if attended is None else attended, strict=True
        )
    ]
    return np.concatenate(sequences, axis=1)


def _forward_one(
    config: EncoderConfig, weights: Mapping[str, Array], ids: Ints, type_ids: Ints, keys: int
) -> Array:
    """Take one sequence to the hidden states of every layer; its tokens read the first `keys`."""
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

    # Every token is the sum of what it is, where it stands and, mostly, which segment it is in.
    # Some models count places from the padding token's id, and leave that token there.
    places = np.arange(length)
    if config.position_padding is not None:
        counted = ids != config.position_padding
        places = config.position_padding + np.cumsum(counted) * counted
    x = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][places]
    )
    if config.type_vocab_size > 0:
        kinds = type_ids if config.type_vocab_size > 1 else np.zeros(length, np.int64)
        x += weights["embeddings.token_type_embeddings.weight"][kinds]
    x = norm(x, "embeddings.LayerNorm")
    if config.projects_embeddings:
        x = dense(x, "embeddings.projection")
    states = [x]

    # What each head's scores gain by the distance from query to key, in MPNet: (heads, query, key).
    nearness: Array | float = 0.0
    if config.relative_attention_num_buckets:
        distance = np.arange(length) - np.arange(length)[:, None]
        bucket = distance_bucket(distance, config.relative_attention_num_buckets)
        nearness = weights["relative_attention_bias.weight"][bucket].transpose(2, 0, 1)

    for number in config.layer_weights:
        layer = f"encoder.layer.{number}"

        # Each head lets every token gather from all tokens, by how well its query fits their keys.
        query = split(dense(x, f"{layer}.attention.self.query"))
        key = split(dense(x, f"{layer}.attention.self.key"))
        value = split(dense(x, f"{layer}.attention.self.value"))
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(head_size)
        share = softmax((scores + nearness)[:, :, :keys])
        context = (share @ value[:, :keys]).transpose(1, 0, 2).reshape(length, config.hidden_size)
        attended = dense(context, f"{layer}.attention.output.dense")
        x = norm(x + attended, f"{layer}.attention.output.LayerNorm")

        # Then each token alone passes through two dense layers with the activation between.
        inner = activation(dense(x, f"{layer}.intermediate.dense"))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        states.append(x)

    return np.stack(states)
