"""Batches: which sequences share a forward pass, and their packed form."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Ints = NDArray[np.int32]
Indices = NDArray[np.intp]

# Tokens in one forward pass. Enough to keep every core busy through a batch's end; hidden states
# of 768 floats then take 24 MiB.
DEFAULT_BUDGET = 8192


def plan(lengths: Ints, budget: int = DEFAULT_BUDGET) -> list[Indices]:
    """Share sequences out to forward passes, the longest first.

    Without padding the sort saves no computation, but it puts like lengths side by side, so that
    cores finish together, and meets the largest need for memory first.

    Args:
        lengths: (batch,) int32, tokens in each sequence.
        budget: the most tokens in one forward pass; a longer sequence has a pass of its own.
    Returns: for each pass the indices of its sequences; every index appears once.
    Raises: InputError: budget below 1.
    """
    if budget < 1:
        raise InputError(f"budget is {budget} tokens, expected at least 1")
    if len(lengths) == 1:  # one short text is in a hurry
        return [np.zeros(1, np.intp)]
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    return list(_cut(order, lengths[order].tolist(), budget))


def _cut(order: Indices, lengths: list[int], budget: int) -> Iterator[Indices]:
    """Cut an order of sequences into runs of at most `budget` tokens."""
    start = tokens = 0
    for i, length in enumerate(lengths):
        if tokens + length > budget and i > start:
            yield order[start:i]
            start, tokens = i, 0
        tokens += length
    if start < len(lengths):
        yield order[start:]


def gather(ids: Ints, type_ids: Ints, lengths: Ints, indices: Indices) -> tuple[Ints, Ints, Ints]:
    """Pack some sequences of a packed batch, in the order of `indices`.

    Args:
        ids: (tokens,) int32, sequences one after another.
        type_ids: (tokens,) int32.
        lengths: (batch,) int32.
        indices: (chosen,) which sequences.
    Returns: ids, type_ids and lengths of the chosen ones alone.
    """
    if len(lengths) == len(indices) == 1:
        return ids, type_ids, lengths
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    chosen = lengths[indices]
    ends = np.cumsum(chosen, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    # Where each token of the result stands in the source: its sequence's shift plus its place.
    positions = np.repeat(starts[indices] - (ends - chosen), chosen) + np.arange(total)
    return ids[positions], type_ids[positions], chosen


def budget_for(max_memory: int, fixed: int, per_token: int, longest: int) -> int:
    """Turn bytes into a budget.

    Args:
        max_memory: bytes that embedding may take beside the loaded model and its results.
        fixed: bytes that any forward pass takes.
        per_token: bytes that each of its tokens takes.
        longest: the most tokens of a sequence.
    Returns: tokens in one forward pass, at most DEFAULT_BUDGET: more makes nothing faster.
    Raises: InputError: max_memory can't hold the longest sequence.
    """
    budget = max((max_memory - fixed) // per_token, 0)
    if budget < longest:
        needed = fixed + longest * per_token
        raise InputError(
            f"max_memory is {max_memory} bytes, which is a budget of {budget} tokens, expected at"
            f" least {longest} for the longest text: give at least {needed} bytes, or a smaller"
            " max_length"
        )
    return int(min(budget, DEFAULT_BUDGET))
