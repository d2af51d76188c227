"""The whole forward pass of BERT and its kin in NumPy, to be read from top to bottom.

The core is tested against this file, and this file against stored outputs of transformers. It
takes one sequence at a time and isn't fast; it computes in float64, so that a difference from the
core is the core's.

Source: Devlin et al., BERT, arXiv:1810.04805; Vaswani et al., arXiv:1706.03762. Of the kin: Liu et
al., RoBERTa, arXiv:1907.11692; Lan et al., ALBERT, arXiv:1909.11942; Clark et al., ELECTRA,
arXiv:2003.10555; Sanh et al., DistilBERT, arXiv:1910.01108; Song et al., MPNet, arXiv:2004.09297;
Warner et al., ModernBERT, arXiv:2412.13663; He et al., DeBERTa, arXiv:2006.03654.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.attention import Rotary
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


def silu(x: Array) -> Array:
    """x times the logistic function at x (Elfwing et al., arXiv:1702.03118)."""
    share: Array = 1 / (1 + np.exp(-x))
    return x * share


_FORMS: Mapping[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu": relu,
    "silu": silu,
    "tanh": np.tanh,
}


def softmax(scores: Array) -> Array:
    """Exponentials along the last axis, scaled to sum to 1; the row's maximum is subtracted.

    A row of nothing but -inf, of a token that sees none, becomes zeros, as in torch.
    """
    largest = scores.max(axis=-1, keepdims=True)
    weights: Array = np.exp(scores - np.where(largest == -np.inf, 0, largest))
    total: Array = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def layer_norm(x: Array, gain: Array, bias: Array, epsilon: float) -> Array:
    """Shift and scale each row to mean 0 and variance 1, then apply gain and bias."""
    centred: Array = x - x.mean(axis=-1, keepdims=True)
    variance: Array = (centred**2).mean(axis=-1, keepdims=True)
    deviation: Array = np.sqrt(variance + epsilon)
    return centred / deviation * gain + bias


def rms_norm(x: Array, gain: Array, epsilon: float) -> Array:
    """Scale each row to a mean square of 1 (Zhang and Sennrich, arXiv:1910.07467)."""
    deviation: Array = np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
    return x / deviation * gain


def rotate(x: Array, kind: Rotary) -> Array:
    """Turn pairs of each head's numbers by angles that grow with the token's place.

    Angles are float32, as frameworks compute them: in float64 they would differ from theirs after
    thousands of tokens.

    Args:
        x: (heads, length, head size).
        kind: by what.
    Source: Su et al., RoFormer, arXiv:2104.09864.
    """
    length = x.shape[1]
    frequencies = np.array(kind.inverse_frequencies, np.float32)
    dims = 2 * len(frequencies)
    if kind.dynamic is not None and length > kind.dynamic[2]:
        base, factor, trained = kind.dynamic
        base *= (factor * length / trained - (factor - 1)) ** (dims / (dims - 2))
        frequencies = (base ** -(np.arange(0, dims, 2) / dims)).astype(np.float32)
    angles = (np.arange(length, dtype=np.float32)[:, None] * frequencies).astype(np.float64)
    cos, sin = np.cos(angles) * kind.attention_factor, np.sin(angles) * kind.attention_factor
    turned = x.copy()
    first = np.s_[..., 0:dims:2] if kind.interleaved else np.s_[..., 0 : dims // 2]
    second = np.s_[..., 1:dims:2] if kind.interleaved else np.s_[..., dims // 2 : dims]
    turned[first] = x[first] * cos - x[second] * sin
    turned[second] = x[second] * cos + x[first] * sin
    return turned


def alibi_slopes(heads: int) -> Array:
    """Give how much each head's scores fall from token to token (Press et al., arXiv:2108.12409).

    For a power of two they are powers of one number; otherwise those of the power below, and
    between them every other one of the next.
    """
    power = 2 ** int(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    between = [2 ** (-8 * (i + 1) / (2 * power)) for i in range(0, 2 * power, 2)]
    return np.array((slopes + between)[:heads])


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
    activation = _FORMS[ACTIVATIONS[config.hidden_act]]

    def dense(x: Array, name: str) -> Array:
        # A checkpoint keeps weights as (out, in); not every layer has a bias.
        return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)

    def norm(x: Array, name: str, kind: str = config.norm) -> Array:
        # A norm that isn't there leaves everything as it is.
        if f"{name}.weight" not in weights:
            return x
        gain, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias", np.zeros(1))
        if kind == "rms_norm":
            return rms_norm(x, gain, config.layer_norm_eps)
        return layer_norm(x, gain, bias, config.layer_norm_eps)

    def split(x: Array) -> Array:
        # (length, heads x head size) → (heads, length, head size)
        return x.reshape(len(x), -1, config.head_size).transpose(1, 0, 2)

    x = _embed(config, weights, ids, type_ids)
    if config.projects_embeddings and config.projection_first:
        x = dense(x, "embeddings.projection")
    x = norm(x, "embeddings.LayerNorm")
    if config.projects_embeddings and not config.projection_first:
        x = dense(x, "embeddings.projection")
    states = [x]

    distance = np.arange(length)[:, None] - np.arange(length)  # (query, key)
    nearness = _nearness(config, weights, distance)
    relative = norm(weights.get("relative_embeddings.weight", x), "relative_embeddings.LayerNorm")
    shared = config.num_attention_heads // config.num_key_value_heads

    for number, attention in zip(config.layer_weights, config.attention_layers, strict=True):
        layer = f"encoder.layer.{number}"
        own = f"{layer}.attention.self"

        # Each head lets every token gather from those that it sees, by how well its query fits
        # their keys. Of a norm before the block and one after the sum, a layer has one.
        before = norm(x, f"{layer}.attention.LayerNorm")
        query = norm(dense(before, f"{own}.query"), f"{own}.query.LayerNorm", "layer_norm")
        key = norm(dense(before, f"{own}.key"), f"{own}.key.LayerNorm", "layer_norm")
        query, key, value = split(query), split(key), split(dense(before, f"{own}.value"))
        if attention.rotary is not None:
            turned = config.rotary[attention.rotary]
            query, key = rotate(query, turned), rotate(key, turned)
        key, value = np.repeat(key, shared, axis=0), np.repeat(value, shared, axis=0)
        scores = query @ key.transpose(0, 2, 1)
        if config.disentangled is not None:
            scores += _disentangled(config, weights, own, relative, distance, query, key)
        scores = scores * config.attention_scale + nearness
        left, right = attention.left, attention.right
        seen = (distance <= (length if left is None else left)) & (
            -distance <= (length if right is None else right)
        )
        share = softmax(np.where(seen, scores, -np.inf)[:, :, :keys])
        context = (share @ value[:, :keys]).transpose(1, 0, 2).reshape(length, config.query_width)
        came = x
        x = norm(
            x + dense(context, f"{layer}.attention.output.dense"),
            f"{layer}.attention.output.LayerNorm",
        )
        if f"{layer}.attention.residual.LayerNorm.weight" in weights:  # the block adds it twice
            x = norm(came + x, f"{layer}.attention.residual.LayerNorm")

        # Then each token alone passes through two dense layers with the activation between; in
        # some models it is applied to another product, which gates the first.
        before = norm(x, f"{layer}.intermediate.LayerNorm")
        inner = dense(before, f"{layer}.intermediate.dense")
        if config.gated:
            inner = activation(dense(before, f"{layer}.intermediate.gate")) * inner
        else:
            inner = activation(inner)
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        if config.convolution is not None and len(states) == 1:
            x = norm(x + _convolve(config, weights, states[0]), "convolution.LayerNorm")
        states.append(x)

    states[-1] = norm(x, "encoder.LayerNorm")
    return np.stack(states)


def _embed(config: EncoderConfig, weights: Mapping[str, Array], ids: Ints, type_ids: Ints) -> Array:
    """Sum what every token is, where it stands and which segment it is in, as far as that counts.

    Some models count places from the padding token's id, and leave that token there.
    """
    x = weights["embeddings.word_embeddings.weight"][ids]
    if config.learned_positions:
        places = np.arange(len(ids))
        if config.position_padding is not None:
            counted = ids != config.position_padding
            places = config.position_padding + np.cumsum(counted) * counted
        x = x + weights["embeddings.position_embeddings.weight"][places]
    if config.type_vocab_size > 0:
        kinds = type_ids if config.type_vocab_size > 1 else np.zeros(len(ids), np.int64)
        x = x + weights["embeddings.token_type_embeddings.weight"][kinds]
    return x


def _nearness(config: EncoderConfig, weights: Mapping[str, Array], distance: Ints) -> Array | float:
    """Give what each head's scores gain by the distance alone: (heads, query, key)."""
    if config.relative_attention_num_buckets:
        bucket = distance_bucket(-distance, config.relative_attention_num_buckets)
        return weights["relative_attention_bias.weight"][bucket].transpose(2, 0, 1)
    if config.alibi:
        return -alibi_slopes(config.num_attention_heads)[:, None, None] * np.abs(distance)
    return 0.0


def _disentangled(
    config: EncoderConfig,
    weights: Mapping[str, Array],
    own: str,
    relative: Array,
    distance: Ints,
    query: Array,
    key: Array,
) -> Array:
    """Compare queries with the keys of distances, and keys with their queries.

    Source: He et al., DeBERTa, arXiv:2006.03654, section 3.1.
    """
    places = config.disentangled
    assert places is not None
    row = np.array(places.rows)[distance + config.positions - 1]  # (query, key)

    def table(name: str) -> Array:
        # (rows, heads x head size) → (heads, head size, rows)
        name = f"{own}.{name if config.share_att_key else f'position_{name}'}"
        made = relative @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)
        return made.reshape(len(made), -1, config.head_size).transpose(1, 2, 0)

    gained = np.zeros((len(query), *distance.shape))
    if places.content_to_position:
        gained += np.take_along_axis(query @ table("key"), row[None], axis=2)
    if places.position_to_content:
        by_key = np.take_along_axis(key @ table("query"), row.T[None], axis=2)
        gained += by_key.transpose(0, 2, 1)
    return gained


def _convolve(config: EncoderConfig, weights: Mapping[str, Array], x: Array) -> Array:
    """Let each token read its neighbours' embeddings, with nothing beyond the ends."""
    assert config.convolution is not None
    reach = config.convolution.kernel // 2
    padded = np.pad(x, ((reach, reach), (0, 0)))
    weight = weights["convolution.weight"]  # (out, in, kernel)
    summed = sum(
        padded[step : step + len(x)] @ weight[:, :, step].T for step in range(weight.shape[2])
    )
    return _FORMS[config.convolution.activation](summed + weights["convolution.bias"])
