"""Where tokens stand, as nodes of an ONNX graph: distances, windows and turned queries and keys.

Sources: Song et al., MPNet, arXiv:2004.09297; Su et al., RoFormer, arXiv:2104.09864; Press et al.,
ALiBi, arXiv:2108.12409; He et al., DeBERTa, arXiv:2006.03654; Dai et al., Transformer-XL,
arXiv:1901.02860, whose shift of rows finds each pair's distance.
"""

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.attention import Rotary
from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.engine.reference import alibi_slopes, distance_bucket
from bertie.export.onnx_net import DOUBLE, FLOAT, INT64, Net

# What stands for minus infinity before the softmax, as in transformers: a row of nothing but it
# still has a softmax.
MASKED = float(np.finfo(np.float32).min)


def length_of(net: Net, ids: str) -> str:
    """Give the sequences' common length, padding included, int64."""
    return net.add("Squeeze", net.add("Shape", ids, start=1, end=2), net.constant([0], np.int64))


def places(net: Net, ids: str) -> str:
    """Number the tokens from 0, int64 (sequence,)."""
    zero, one = net.constant(0, np.int64), net.constant(1, np.int64)
    return net.add("Range", zero, length_of(net, ids), one)


def distances(net: Net, ids: str) -> str:
    """Give every key's place less the query's, int64 (query, key)."""
    numbered = places(net, ids)
    first, second = net.constant([0], np.int64), net.constant([1], np.int64)
    return net.add(
        "Sub", net.add("Unsqueeze", numbered, first), net.add("Unsqueeze", numbered, second)
    )


def bucket_biases(net: Net, config: EncoderConfig, table: Tensor, ids: str) -> str:
    """Give what each head adds to a score by the bucket of the distance from query to key."""
    largest = config.max_position_embeddings - 1
    every = np.arange(-largest, largest + 1)
    kinds = distance_bucket(every, config.relative_attention_num_buckets)
    with net.scope("relative_attention_bias"):
        index = net.add("Add", distances(net, ids), net.constant(largest, np.int64))
        kind = net.add(
            "Gather", net.array("relative_buckets", kinds.astype(np.int64), INT64), index
        )
        bias = net.add("Gather", net.tensor("relative_attention_bias.weight", table), kind)
        # (query, key, heads) → (1, heads, query, key)
        return net.add(
            "Unsqueeze", net.add("Transpose", bias, perm=(2, 0, 1)), net.constant([0], np.int64)
        )


def alibi(net: Net, heads: int, ids: str) -> str:
    """Give what each head takes from a score by the distance, float32 (heads, query, key)."""
    slopes = -alibi_slopes(heads).astype(np.float32)[:, None, None]
    with net.scope("alibi"):
        far = net.add("Cast", net.add("Abs", distances(net, ids)), to=FLOAT)
        return net.add("Mul", far, net.array("alibi_slopes", slopes, FLOAT))


def window(net: Net, left: int | None, right: int | None, ids: str) -> str:
    """Give 0 where a query sees a key and MASKED where it doesn't, float32 (query, key)."""
    with net.scope("window"):
        distance = distances(net, ids)
        seen = []
        if left is not None:
            seen.append(net.add("GreaterOrEqual", distance, net.constant(-left, np.int64)))
        if right is not None:
            seen.append(net.add("LessOrEqual", distance, net.constant(right, np.int64)))
        both = seen[0] if len(seen) == 1 else net.add("And", *seen)
        return net.add("Where", both, net.constant(0.0), net.constant(MASKED))


def angles(net: Net, number: int, kind: Rotary, ids: str, mask: str) -> tuple[str, str]:
    """Give cosines and sines of the angles by which queries and keys are turned.

    Args:
        number: the kind's, by which its frequencies are called.
        kind: the angles.
        ids, mask: the graph's inputs.
    Returns: two of float32 (1 or batch, sequence, 1, pairs): every head turns alike.
    """
    with net.scope(f"rotary.{number}"):
        known = np.array(kind.inverse_frequencies, np.float32)
        frequencies = net.array(f"rotary_frequencies_{number}", known, FLOAT)
        if kind.dynamic is not None:
            frequencies = _by_length(net, frequencies, kind, mask)
        place = net.add("Cast", places(net, ids), to=FLOAT)
        # (sequence,) → (1, sequence, 1, 1)
        place = net.add("Unsqueeze", place, net.constant([0, 2, 3], np.int64))
        angle = net.add("Mul", place, frequencies)
        cos, sin = net.add("Cos", angle), net.add("Sin", angle)
        if kind.attention_factor != 1:
            factor = net.constant(kind.attention_factor)
            cos, sin = net.add("Mul", cos, factor), net.add("Mul", sin, factor)
        return cos, sin


def _by_length(net: Net, frequencies: str, kind: Rotary, mask: str) -> str:
    """Give the frequencies of each sequence, whose base grows with its tokens.

    In float64, since a frequency's rounding grows with the place that it is multiplied by.

    Returns: float32 (batch, 1, 1, pairs).
    """
    assert kind.dynamic is not None
    base, factor, trained = kind.dynamic
    dims = 2 * len(kind.inverse_frequencies)

    def number(value: float) -> str:
        return net.constant(value, np.float64)

    tokens = net.add("ReduceSum", mask, net.constant([1], np.int64), keepdims=1)
    tokens = net.add("Unsqueeze", tokens, net.constant([2, 3], np.int64))
    longer = net.add("Greater", tokens, net.constant(trained, np.int64))
    # Of a shorter sequence the base would be of a negative number's power; it isn't taken.
    least = net.add("Max", tokens, net.constant(trained, np.int64))
    grown = net.add("Mul", net.add("Cast", least, to=DOUBLE), number(factor / trained))
    grown = net.add("Sub", grown, number(factor - 1))
    larger = net.add("Mul", net.add("Pow", grown, number(dims / (dims - 2))), number(base))
    exponents = net.array("rotary_exponents", -np.arange(0, dims, 2) / dims, DOUBLE)
    slower = net.add("Cast", net.add("Pow", larger, exponents), to=FLOAT)
    return net.add("Where", longer, slower, frequencies)


def turn(net: Net, x: str, kind: Rotary, turned: tuple[str, str], head_size: int) -> str:
    """Turn pairs of each head's numbers.

    Args:
        x: (batch, sequence, heads, head size).
        kind: which numbers are pairs.
        turned: as angles gives them.
        head_size: of which the numbers after the pairs stay as they are.
    Returns: the same shape; pairs of neighbours come out as halves. A product of queries and keys
        doesn't know the order of a head's numbers.
    """
    dims = 2 * len(kind.inverse_frequencies)
    cos, sin = turned

    def part(start: int, end: int, step: int = 1) -> str:
        axis = net.constant([3], np.int64)
        starts, ends, steps = (net.constant([n], np.int64) for n in (start, end, step))
        return net.add("Slice", x, starts, ends, axis, steps)

    if kind.interleaved:
        first, second = part(0, dims, 2), part(1, dims, 2)
    else:
        first, second = part(0, dims // 2), part(dims // 2, dims)
    parts = [
        net.add("Sub", net.add("Mul", first, cos), net.add("Mul", second, sin)),
        net.add("Add", net.add("Mul", second, cos), net.add("Mul", first, sin)),
    ]
    if dims < head_size:
        parts.append(part(dims, head_size))
    return net.add("Concat", *parts, axis=3)


def distance_rows(net: Net, config: EncoderConfig, ids: str) -> tuple[str, str]:
    """Find the rows of DeBERTa's table for the distances that a sequence of n tokens has.

    Returns: int64 (2 n,) each: of query's place less key's from n - 1 down to -n, and from 1 - n up
        to n. The last distance no pair has; it makes shifted's rows even.
    """
    assert config.disentangled is not None
    rows = np.array(config.disentangled.rows, np.int64)
    positions = config.positions

    with net.scope("relative_embeddings"):
        length = net.add("Shape", ids, start=1, end=2)
        middle = net.constant([positions], np.int64)
        start, end = net.add("Sub", middle, length), net.add("Add", middle, length)

        def stretch(name: str, ordered: NDArray[np.int64]) -> str:
            whole = np.append(ordered, ordered[-1])
            return net.add("Slice", net.array(name, whole, INT64), start, end)

        return stretch("rows_by_key", rows[::-1]), stretch("rows_by_query", rows)


def shifted(net: Net, x: str, ids: str) -> str:
    """Shift row i left by n - 1 - i, and keep the first n columns.

    Rows laid end to end and cut one shorter do that at once.

    Args:
        x: (batch, heads, n, 2 n).
    Returns: (batch, heads, n, n), of which (i, j) is x's (i, j - i + n - 1).
    """
    last, one = net.constant([2], np.int64), net.constant([1], np.int64)
    length = net.add("Shape", ids, start=1, end=2)
    before = net.add("Sub", length, one)
    width = net.add("Add", before, length)  # 2 n - 1
    flat = net.add("Reshape", x, net.constant([0, 0, -1], np.int64))
    end = net.add("Add", before, net.add("Mul", length, width))
    flat = net.add("Slice", flat, before, end, last)
    shape = net.add("Concat", net.constant([0, 0], np.int64), length, width, axis=0)
    rows = net.add("Reshape", flat, shape)
    return net.add("Slice", rows, net.constant([0], np.int64), length, net.constant([3], np.int64))
