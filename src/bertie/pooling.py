"""Pooling: pure functions from packed hidden states to one vector a sequence.

Each sequence is reduced on its own, in the order of its tokens, so its vector doesn't depend on
what else is in the batch.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_FIRST = np.zeros(1, np.intp)


def mean_pool(hidden: Floats, lengths: Ints) -> Floats:
    """Average each sequence's hidden states.

    Args:
        hidden: (tokens, dim) float32, sequences one after another.
        lengths: (batch,) int, tokens in each sequence; zero is allowed.
    Returns: (batch, dim) float32, not normalized; a sequence of no tokens gives zeros.
    Raises: InputError: lengths do not sum to the rows of hidden.
    Source: Sentence-BERT, arXiv:1908.10084, section 3.
    """
    sums = _reduce(np.add, hidden, lengths)
    return sums / np.maximum(lengths, 1).astype(np.float32)[:, None]


def max_pool(hidden: Floats, lengths: Ints) -> Floats:
    """Take the largest value of each dimension over each sequence.

    Args, Returns, Raises: as mean_pool.
    Source: Sentence-BERT, arXiv:1908.10084, section 3.
    """
    return _reduce(np.maximum, hidden, lengths)


def cls_pool(hidden: Floats, lengths: Ints) -> Floats:
    """Take each sequence's first hidden state, that of its [CLS] token.

    Args, Returns, Raises: as mean_pool.
    Source: Devlin et al., BERT, arXiv:1810.04805, section 3.
    """
    starts, filled = _segments(hidden, lengths)
    pooled = np.zeros((len(lengths), hidden.shape[1]), np.float32)
    pooled[filled] = hidden[starts]
    return pooled


POOLINGS: Mapping[str, Callable[[Floats, Ints], Floats]] = {
    "mean": mean_pool,
    "cls": cls_pool,
    "max": max_pool,
}


def normalize(vectors: Floats) -> Floats:
    """Scale each row to length 1 (L2); a row of zeros stays as it is.

    Args:
        vectors: (batch, dim) float32.
    Returns: (batch, dim) float32.
    Source: torch.nn.functional.normalize, whose smallest divisor is 1e-12.
    """
    # einsum and norm add in an order that depends on the shape; a sum along rows of one fixed
    # length doesn't.
    squares = np.add.reduce(vectors * vectors, axis=1, keepdims=True)
    lengths: Floats = np.maximum(np.sqrt(squares), np.float32(1e-12))
    return vectors / lengths


def _segments(hidden: Floats, lengths: Ints) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find where the sequences that have tokens start, and which ones they are."""
    total = int(lengths.sum(dtype=np.int64))
    if total != len(hidden):
        raise InputError(f"lengths sum to {total}, but hidden has {len(hidden)} rows")
    filled = lengths > 0
    starts = np.cumsum(lengths, dtype=np.intp) - lengths
    return starts[filled], filled


def _reduce(operation: np.ufunc, hidden: Floats, lengths: Ints) -> Floats:
    """Reduce each sequence's rows; one of no tokens gives zeros."""
    if len(lengths) == 1 and lengths[0] == len(hidden) > 0:  # one short text is in a hurry
        alone: Floats = operation.reduceat(hidden, _FIRST, axis=0)
        return alone
    starts, filled = _segments(hidden, lengths)
    pooled = np.zeros((len(lengths), hidden.shape[1]), np.float32)
    if len(starts):
        pooled[filled] = operation.reduceat(hidden, starts, axis=0)
    return pooled
