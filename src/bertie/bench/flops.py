"""FLOPs: how many floating-point operations a text costs."""

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import EncoderConfig


def count_flops(config: EncoderConfig, lengths: NDArray[np.int32]) -> int:
    """Count the operations of the dense layers and of attention, a multiply-add being two.

    With L layers of hidden size h and intermediate size i, a sequence of n tokens takes

        2 L (n (4 h² + 2 h i) + 2 n² h)

    operations: four products of h × h for queries, keys, values and the attention's output, two of
    h × i for the feed-forward part, and n × n × h each for the scores and for the weighted values.
    Embeddings, LayerNorm, softmax, activations, pooling and what follows it are not counted.

    Args:
        config: the encoder's sizes.
        lengths: (batch,) int, tokens in each sequence.
    """
    h, i = config.hidden_size, config.intermediate_size
    counts = lengths.astype(np.int64)
    dense = int(counts.sum()) * (4 * h * h + 2 * h * i)
    attention = int((counts * counts).sum()) * 2 * h
    return 2 * config.num_hidden_layers * (dense + attention)
