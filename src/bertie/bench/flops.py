"""FLOPs: how many floating-point operations a text costs."""

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.attention import AttentionLayer
from bertie.checkpoint.config import EncoderConfig


def count_flops(config: EncoderConfig, lengths: NDArray[np.int32]) -> int:
    """Count the operations of the dense layers and of attention, a multiply-add being two.

    With L layers of hidden size h and intermediate size i, a sequence of n tokens takes

        2 L (n (4 h² + 2 h i) + 2 n² h)

    operations: four products of h × h for queries, keys, values and the attention's output, two of
    h × i for the feed-forward part, and n × n × h each for the scores and for the weighted values.
    Heads of their own number or width take their part, a gate one product of h × i more, a window
    what it sees instead of n², and DeBERTa's distances n × n × h for each of their parts.
    Embeddings, norms, softmax, activations, pooling and what follows it are not counted.

    Args:
        config: the encoder's sizes.
        lengths: (batch,) int, tokens in each sequence.
    """
    h, i = config.hidden_size, config.intermediate_size
    heads = 2 * h * config.query_width + 2 * h * config.key_width
    counts = lengths.astype(np.int64)
    dense = int(counts.sum()) * (heads + (3 if config.gated else 2) * h * i)
    places = config.disentangled
    parts = 2
    if places is not None:
        parts += places.content_to_position + places.position_to_content
    attention = sum(_pairs(counts, layer) for layer in config.attention_layers)
    return 2 * (config.num_hidden_layers * dense + attention * parts * config.query_width)


def _pairs(counts: NDArray[np.int64], layer: AttentionLayer) -> int:
    """Count the keys that all queries see together."""
    unseen = 0
    for reach in (layer.left, layer.right):
        if reach is not None:  # 1 + 2 + … keys beyond the window's end on that side
            beyond = np.maximum(counts - 1 - reach, 0)
            unseen += int((beyond * (beyond + 1) // 2).sum())
    return int((counts * counts).sum()) - unseen
