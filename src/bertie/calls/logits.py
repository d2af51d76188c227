"""From token ids to a head's logits."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bertie.calls.batches import per_sequence, per_token
from bertie.calls.overflow import is_finite, overflow_error
from bertie.engine.batching import gather, plan
from bertie.engine.encoder import Encoder
from bertie.engine.heads import Head
from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# Rows of a vocabulary's logits that stand in memory at a time.
_ROWS = 64


def sequence_logits(encoder: Encoder, head: Head, packed: PackedEncodings, budget: int) -> Floats:
    """Compute the logits of a head that judges each sequence.

    Args:
        encoder, head: of one checkpoint.
        packed: the sequences.
        budget: the most tokens in one forward pass.
    Returns: (sequences, outputs) float32.
    Raises: CheckpointError: a logit is NaN or infinite; it names the layer where that begins.
    """

    def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
        if head.pooling is None:
            rows = encoder.forward(ids, type_ids, lengths)
        else:
            rows = encoder.forward_pooled(ids, type_ids, lengths, (head.pooling,))
        # A head's activation may turn NaN into a number, so what it reads is looked at, too.
        if is_finite(rows):
            logits = head.joined(head.logits(rows), lengths)
            if is_finite(logits):
                return logits
        raise overflow_error(encoder, (ids, type_ids, lengths))

    return per_sequence(packed, budget, forward, head.outputs)


def token_logits(
    encoder: Encoder, head: Head, packed: PackedEncodings, budget: int
) -> list[Floats]:
    """Compute the logits of a head that reads every token.

    Args, Raises: as sequence_logits.
    Returns: for each sequence (its tokens, outputs) float32.
    """

    def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
        hidden = encoder.forward(ids, type_ids, lengths)
        if not (is_finite(hidden) and is_finite(logits := head.logits(hidden))):
            raise overflow_error(encoder, (ids, type_ids, lengths))
        return logits

    return per_token(packed, budget, forward)


def chosen_logits(
    encoder: Encoder, head: Head, batch: tuple[Ints, Ints, Ints], places: NDArray[np.intp]
) -> Iterator[Floats]:
    """Compute the logits of a head at some tokens only, which a large vocabulary makes worth it.

    Args:
        encoder, head: of one checkpoint.
        batch: ids (tokens,), type ids (tokens,) and lengths (batch,): one forward pass.
        places: (chosen,) the tokens.
    Returns: an iterator over (outputs,) float32 for each place; a bounded number stand in memory.
    Raises: CheckpointError: as sequence_logits.
    """
    hidden = encoder.forward(*batch)[places]
    for first in range(0, len(places), _ROWS):
        rows = hidden[first : first + _ROWS]
        if not (is_finite(rows) and is_finite(logits := head.logits(rows))):
            raise overflow_error(encoder, batch)
        yield from logits


def max_logits(
    encoder: Encoder, head: Head, packed: PackedEncodings, budget: int
) -> Iterator[tuple[int, Floats]]:
    """Compute each logit's largest value over each sequence.

    Args, Raises: as sequence_logits.
    Returns: an iterator over the sequences in any order, each by its number with (outputs,)
        float32; a bounded number stand in memory.
    """
    for indices in plan(packed.lengths, budget):
        ids, type_ids, lengths = gather(packed.ids, packed.type_ids, packed.lengths, indices)
        hidden = encoder.forward(ids, type_ids, lengths)
        ends = np.cumsum(lengths)
        for first in range(0, len(lengths), _ROWS):
            some = slice(first, first + _ROWS)
            rows = hidden[ends[first] - lengths[first] : ends[some][-1]]
            if not (is_finite(rows) and is_finite(logits := head.maximum(rows, lengths[some]))):
                raise overflow_error(encoder, (ids, type_ids, lengths))
            yield from zip(indices[some].tolist(), logits, strict=True)
