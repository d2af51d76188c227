"""An encoder of any architecture as an ONNX graph, read like reference.py, but with padding.

Sources: Devlin et al., BERT, arXiv:1810.04805; Liu et al., RoBERTa, arXiv:1907.11692; Song et al.,
MPNet, arXiv:2004.09297; Lan et al., ALBERT, arXiv:1909.11942; Warner et al., ModernBERT,
arXiv:2412.13663; He et al., DeBERTa, arXiv:2006.03654.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.export import onnx_layers, onnx_places
from bertie.export.onnx_layers import FORMS
from bertie.export.onnx_net import FLOAT, INT64, Net
from bertie.export.onnx_places import MASKED

INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS = "input_ids", "attention_mask", "token_type_ids"


def add_encoder(net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor]) -> list[str]:
    """Add an encoder and its inputs to a graph.

    Args:
        net: an empty graph.
        config: the encoder's sizes.
        tensors: all that it uses, by canonical name.
    Returns: the values after the embeddings and after every pass, float32 (batch, sequence,
        hidden_size).
    """
    heads, key_heads = config.num_attention_heads, config.num_key_value_heads
    activation = FORMS[ACTIVATIONS[config.hidden_act]]
    # Scores are divided by what config.attention_scale multiplies them by: one part for each of
    # those that are added up.
    divisor = math.sqrt(config.head_size * (1 + len(config.pos_att_type)))

    def dense(x: str, name: str) -> str:
        # Not every layer has a bias.
        weight, bias = tensors[f"{name}.weight"], tensors.get(f"{name}.bias")
        return onnx_layers.dense(net, x, name, weight, bias)

    def norm(x: str, name: str, kind: str = config.norm) -> str:
        # A norm that isn't there leaves everything as it is.
        gain, bias = tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")
        if gain is None:
            return x
        if kind == "rms_norm":
            return onnx_layers.rms_norm(net, x, name, gain, config.layer_norm_eps)
        return onnx_layers.norm(net, x, name, gain, bias, config.layer_norm_eps)

    def split(x: str, count: int, order: tuple[int, ...], rotary: int | None = None) -> str:
        # (batch, sequence, heads x head size) → (batch, sequence, heads, head size), turned, each
        # head as often as queries need it, and its axes in order
        x = net.add("Reshape", x, divided[count])
        if rotary is not None:
            turned = config.rotary[rotary]
            x = onnx_places.turn(net, x, turned, angles[rotary], config.head_size)
        if count < heads:
            serving = np.repeat(np.arange(count), heads // count)
            x = net.add("Gather", x, net.array("key_heads", serving, INT64), axis=2)
        return net.add("Transpose", x, perm=order)

    ids, mask = net.input(INPUT_IDS), net.input(ATTENTION_MASK)
    divided = {
        count: net.constant([0, 0, count, config.head_size], np.int64)
        for count in (heads, key_heads)
    }
    joined = net.constant([0, 0, config.query_width], np.int64)
    x = _embeddings(net, config, tensors, ids)
    if config.projects_embeddings and config.projection_first:
        x = dense(x, "embeddings.projection")
    x = norm(x, "embeddings.LayerNorm")
    if config.projects_embeddings and not config.projection_first:
        x = dense(x, "embeddings.projection")
    states = [x]

    added = _added(net, config, tensors, ids, mask)
    angles = {
        number: onnx_places.angles(net, number, config.rotary[number], ids, mask)
        for number in sorted({a.rotary for a in config.attention_layers if a.rotary is not None})
    }
    relative, rows = "", ("", "")
    if config.disentangled is not None:
        name = "relative_embeddings"
        relative = norm(
            net.tensor(f"{name}.weight", tensors[f"{name}.weight"]), f"{name}.LayerNorm"
        )
        rows = onnx_places.distance_rows(net, config, ids)

    for number, attention in zip(config.layer_weights, config.attention_layers, strict=True):
        layer = f"encoder.layer.{number}"
        own = f"{layer}.attention.self"

        # Of a norm before a block and one after its sum, a layer has one.
        before = norm(x, f"{layer}.attention.LayerNorm")
        query = norm(dense(before, f"{own}.query"), f"{own}.query.LayerNorm", "layer_norm")
        query = split(query, heads, (0, 2, 1, 3), attention.rotary)
        key = norm(dense(before, f"{own}.key"), f"{own}.key.LayerNorm", "layer_norm")
        key = split(key, key_heads, (0, 2, 3, 1), attention.rotary)
        value = split(dense(before, f"{own}.value"), key_heads, (0, 2, 1, 3))
        with net.scope(own):
            scores = net.add("MatMul", query, key)
        if config.disentangled is not None:
            tables = _tables(net, config, dense, own, relative, rows)
            scores = _disentangled(net, own, scores, query, key, tables, ids)
        with net.scope(own):
            scores = net.add("Div", scores, net.constant(divisor))
            seen = added[attention.left, attention.right]
            share = net.add("Softmax", net.add("Add", scores, seen), axis=-1)
            context = net.add("Transpose", net.add("MatMul", share, value), perm=(0, 2, 1, 3))
            context = net.add("Reshape", context, joined)
        attended = dense(context, f"{layer}.attention.output.dense")
        came, x = x, norm(net.add("Add", attended, x), f"{layer}.attention.output.LayerNorm")
        if config.residual_norm:  # the block's input is added twice
            x = norm(net.add("Add", came, x), f"{layer}.attention.residual.LayerNorm")

        before = norm(x, f"{layer}.intermediate.LayerNorm")
        inner = dense(before, f"{layer}.intermediate.dense")
        gate = dense(before, f"{layer}.intermediate.gate") if config.gated else inner
        with net.scope(f"{layer}.intermediate"):
            activated = activation(net, gate)
            inner = net.add("Mul", activated, inner) if config.gated else activated
        x = net.add("Add", dense(inner, f"{layer}.output.dense"), x)
        x = norm(x, f"{layer}.output.LayerNorm")
        if config.convolution is not None and len(states) == 1:
            x = net.add("Add", x, _convolve(net, config, tensors, states[0], mask))
            x = norm(x, "convolution.LayerNorm")
        states.append(x)

    states[-1] = norm(x, "encoder.LayerNorm")
    return states


def _embeddings(net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor], ids: str) -> str:
    """Sum what a token is, where it stands and which segment it is in, as far as that counts."""

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
        if config.learned_positions:
            x = net.add("Add", x, _positions(net, config, table("position"), ids))
        return x


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


def _added(
    net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor], ids: str, mask: str
) -> dict[tuple[int | None, int | None], str]:
    """Give what is added to every score: where keys are padding or unseen, and how far they are.

    Returns: by what layers see to the left and right, a value of 4 axes or fewer that fits (batch,
        heads, query, key).
    """
    with net.scope("mask"):
        wide = net.add("Unsqueeze", mask, net.constant([1, 2], np.int64))
        padding = net.add("Sub", net.constant(1.0), net.add("Cast", wide, to=FLOAT))
        padding = net.add("Mul", padding, net.constant(MASKED))
    nearness = None
    if config.relative_attention_num_buckets:
        table = tensors["relative_attention_bias.weight"]
        nearness = onnx_places.bucket_biases(net, config, table, ids)
    elif config.alibi:
        nearness = onnx_places.alibi(net, config.num_attention_heads, ids)
    found = {}
    for left, right in dict.fromkeys((a.left, a.right) for a in config.attention_layers):
        added = padding
        if (left, right) != (None, None):
            # Not a sum, which would be infinite, and a row of nothing but that not a number.
            added = net.add("Min", added, onnx_places.window(net, left, right, ids))
        found[left, right] = added if nearness is None else net.add("Add", nearness, added)
    return found


def _tables(
    net: Net,
    config: EncoderConfig,
    dense: Callable[[str, str], str],
    own: str,
    relative: str,
    rows: tuple[str, str],
) -> tuple[str | None, str | None]:
    """Give the distances' keys and queries of one layer, (heads, head size, 2 n) each.

    Args:
        dense: adds one of the model's dense layers.
        own: the layer's attention.
        relative: the relative embeddings.
        rows: as distance_rows gives them.
    Returns: None for one that isn't compared with anything.
    """
    assert config.disentangled is not None

    def table(name: str, chosen: str) -> str:
        made = dense(relative, f"{own}.{name if config.share_att_key else f'position_{name}'}")
        with net.scope(own):
            made = net.add("Gather", made, chosen, axis=0)
            shape = net.constant([-1, config.num_attention_heads, config.head_size], np.int64)
            return net.add("Transpose", net.add("Reshape", made, shape), perm=(1, 2, 0))

    by_key, by_query = rows
    return (
        table("key", by_key) if config.disentangled.content_to_position else None,
        table("query", by_query) if config.disentangled.position_to_content else None,
    )


def _disentangled(
    net: Net,
    own: str,
    scores: str,
    query: str,
    key: str,
    tables: tuple[str | None, str | None],
    ids: str,
) -> str:
    """Add to scores queries times the distances' keys, and keys times their queries.

    Args:
        query: (batch, heads, sequence, head size).
        key: (batch, heads, head size, sequence).
    """
    keys, queries = tables
    with net.scope(own):
        if keys is not None:
            gained = onnx_places.shifted(net, net.add("MatMul", query, keys), ids)
            scores = net.add("Add", scores, gained)
        if queries is not None:
            by_key = net.add("Transpose", key, perm=(0, 1, 3, 2))
            gained = onnx_places.shifted(net, net.add("MatMul", by_key, queries), ids)
            scores = net.add("Add", scores, net.add("Transpose", gained, perm=(0, 1, 3, 2)))
        return scores


def _convolve(
    net: Net, config: EncoderConfig, tensors: Mapping[str, Tensor], x: str, mask: str
) -> str:
    """Let each token read its neighbours' embeddings, with nothing beyond the ends."""
    assert config.convolution is not None
    name, reach = "convolution", config.convolution.kernel // 2
    with net.scope(name):
        token = net.add("Unsqueeze", net.add("Cast", mask, to=FLOAT), net.constant([2], np.int64))
        # Axes are (batch, hidden, sequence) there.
        alone = net.add("Transpose", net.add("Mul", x, token), perm=(0, 2, 1))
        given = (
            net.tensor(f"{name}.{key}", tensors[f"{name}.{key}"]) for key in ("weight", "bias")
        )
        summed = net.add("Conv", alone, *given, pads=[reach, reach])
        summed = net.add("Transpose", summed, perm=(0, 2, 1))
        return FORMS[config.convolution.activation](net, summed)
