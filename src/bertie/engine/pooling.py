"""Pooling: pure functions from packed hidden states to one vector a sequence.

Each sequence is reduced on its own, in the order of its tokens, so its vector doesn't depend on
what else is in the batch.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_FIRST = np.zeros(1, np.intp)


def mean_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Average each sequence's hidden states.

    Args:
        hidden: (tokens, dim) float32, sequences one after another.
        lengths: (batch,) int, tokens in each sequence; zero is allowed.
        skip: (batch,) int, how many leading tokens of each to leave out, a prompt's; None: none.
    Returns: (batch, dim) float32, not normalized; a sequence of which no tokens are left gives
        zeros.
    Raises: InputError: lengths do not sum to the rows of hidden; a skip below 0 or not for each
        sequence.
    Source: Sentence-BERT, arXiv:1908.10084, section 3.
    """
    return _sum(hidden, lengths, skip) / _column(np.maximum(_left(lengths, skip), 1))


def mean_sqrt_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Sum each sequence's hidden states and divide by the square root of how many they are.

    Args, Returns, Raises: as mean_pool.
    Source: sentence-transformers' pooling mode mean_sqrt_len_tokens.
    """
    roots: Floats = np.sqrt(_column(np.maximum(_left(lengths, skip), 1)))
    return _sum(hidden, lengths, skip) / roots


def weighted_mean_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Average each sequence's hidden states, weighted by their places: 1, 2, 3, …

    Args, Returns, Raises: as mean_pool. Places count from the first token, left out or not.
    Source: Muennighoff, SGPT, arXiv:2202.08904, section 4.1.
    """
    starts, _ = _segments(hidden, lengths)
    places = np.arange(1, len(hidden) + 1) - np.repeat(starts, lengths[lengths > 0])
    left = _left(lengths, skip)
    total = left.astype(np.int64) * (2 * lengths.astype(np.int64) - left + 1) // 2
    return _sum(hidden * _column(places), lengths, skip) / _column(np.maximum(total, 1))


def max_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Take the largest value of each dimension over each sequence.

    Args, Returns, Raises: as mean_pool.
    Source: Sentence-BERT, arXiv:1908.10084, section 3.
    """
    return _reduce(np.maximum, *_without(hidden, lengths, skip))


def cls_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Take each sequence's first hidden state, that of its [CLS] token.

    Args, Raises: as mean_pool.
    Returns: as mean_pool; but where no tokens are left, the first one all the same. After a skip
        it is the next token's, which is how sentence-transformers reads a prompt left out.
    Source: Devlin et al., BERT, arXiv:1810.04805, section 3.
    """
    left = _left(lengths, skip)
    starts, filled = _segments(hidden, lengths)
    pooled = np.zeros((len(lengths), hidden.shape[1]), np.float32)
    pooled[filled] = hidden[starts + np.where(left > 0, lengths - left, 0)[filled]]
    return pooled


def last_token_pool(hidden: Floats, lengths: Ints, skip: Ints | None = None) -> Floats:
    """Take each sequence's last hidden state.

    Args, Raises: as mean_pool; skip changes nothing.
    Returns: as mean_pool, for a sequence of no tokens.
    Source: sentence-transformers' pooling mode lasttoken.
    """
    _left(lengths, skip)
    starts, filled = _segments(hidden, lengths)
    pooled = np.zeros((len(lengths), hidden.shape[1]), np.float32)
    pooled[filled] = hidden[starts + lengths[filled] - 1]
    return pooled


# Under sentence-transformers' names.
POOLINGS: Mapping[str, Callable[..., Floats]] = {
    "mean": mean_pool,
    "cls": cls_pool,
    "max": max_pool,
    "mean_sqrt_len_tokens": mean_sqrt_pool,
    "weightedmean": weighted_mean_pool,
    "lasttoken": last_token_pool,
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


def _left(lengths: Ints, skip: Ints | None) -> Ints:
    """Count the tokens of each sequence that aren't left out."""
    if skip is None:
        return lengths
    if len(skip) != len(lengths) or (len(skip) and skip.min() < 0):
        raise InputError(
            f"skip is {skip.tolist()}, expected for each of {len(lengths)} sequences 0 or more"
        )
    left: Ints = np.maximum(lengths - skip, 0)
    return left


def _without(hidden: Floats, lengths: Ints, skip: Ints | None) -> tuple[Floats, Ints]:
    """Take away the tokens that are left out."""
    if skip is None:
        return hidden, lengths
    left = _left(lengths, skip)
    _segments(hidden, lengths)  # refuses what doesn't fit
    ends = np.cumsum(lengths, dtype=np.intp)
    places = np.arange(len(hidden))
    return hidden[places >= np.repeat(ends - left, lengths)], left


def _sum(hidden: Floats, lengths: Ints, skip: Ints | None) -> Floats:
    """Add up each sequence's hidden states."""
    return _reduce(np.add, *_without(hidden, lengths, skip))


def _column(numbers: NDArray[np.integer[Any]]) -> Floats:
    """Stand one number for each row beside them, as float32."""
    return numbers.astype(np.float32)[:, None]


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
