"""Any number of sequences through forward passes of bounded size, results in the given order."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.engine.batching import gather, plan
from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# ids (tokens,), type_ids (tokens,), lengths (batch,) → rows of float32
Forward = Callable[[Ints, Ints, Ints], Floats]


def per_sequence(packed: PackedEncodings, budget: int, forward: Forward, width: int) -> Floats:
    """Compute one row for each sequence.

    Args:
        packed: the sequences.
        budget: the most tokens in one pass.
        forward: gives (batch, width) float32.
        width: floats in a row.
    Returns: (sequences, width) float32.
    """
    passes = plan(packed.lengths, budget)
    if len(passes) == 1:  # nothing to pick out, nor to put back in order
        return forward(packed.ids, packed.type_ids, packed.lengths)
    rows = np.empty((len(packed.lengths), width), np.float32)
    for indices in passes:
        rows[indices] = forward(*gather(packed.ids, packed.type_ids, packed.lengths, indices))
    return rows


def per_token(packed: PackedEncodings, budget: int, forward: Forward) -> list[Floats]:
    """Compute one row for each token.

    Args:
        packed, budget: as in per_sequence.
        forward: gives (tokens, width) float32.
    Returns: for each sequence (its tokens, width) float32.
    """
    found: list[Floats] = [np.empty((0, 0), np.float32)] * len(packed.lengths)
    for indices in plan(packed.lengths, budget):
        ids, type_ids, lengths = gather(packed.ids, packed.type_ids, packed.lengths, indices)
        rows = forward(ids, type_ids, lengths)
        for index, part in zip(indices.tolist(), split_by_sequence(rows, lengths), strict=True):
            found[index] = part
    return found


def split_by_sequence(rows: NDArray[Any], lengths: Ints) -> list[NDArray[Any]]:
    """Cut rows of tokens, sequences one after another, into those of each sequence.

    Args:
        rows: (tokens, …).
        lengths: (sequences,) tokens of each; no sequences, no parts.
    """
    return np.split(rows, np.cumsum(lengths)[:-1]) if len(lengths) else []
