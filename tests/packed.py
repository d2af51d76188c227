"""Random packed batches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import EncoderConfig

Ints = NDArray[np.int32]


def packed(config: EncoderConfig, lengths: Sequence[int], seed: int) -> tuple[Ints, Ints, Ints]:
    """Draw sequences of the given lengths: ids, type ids and lengths."""
    rng = np.random.default_rng(seed)
    tokens = sum(lengths)
    ids = rng.integers(0, config.vocab_size, tokens).astype(np.int32)
    return ids, rng.integers(0, 2, tokens).astype(np.int32), np.array(lengths, np.int32)
