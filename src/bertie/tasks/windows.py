"""Long inputs as overlapping windows, so that nothing is left out."""

import numpy as np

from bertie.tasks.texts import Texts
from bertie.tasks.tokenized import Tokenized
from bertie.tokenize import PackedEncodings, Tokenizer
from bertie.tokenize.tokenizer import Strategy

# The share of a window that it has in common with the one before it.
_OVERLAP = 4


def in_windows(
    tokenizer: Tokenizer,
    packed: PackedEncodings,
    texts: Texts,
    max_length: int,
    strategy: Strategy,
) -> Tokenized:
    """Read those inputs that were cut in windows instead.

    Args:
        tokenizer: what packed the inputs.
        packed: the inputs, cut to max_length.
        texts: the same inputs.
        max_length: tokens of a window, special ones included.
        strategy: which text of a pair is read in windows.
    Raises: InputError: the other text of a pair leaves no room.
    """
    if not packed.truncated.any():
        return Tokenized(packed)
    ends = np.cumsum(packed.lengths)
    ids, type_ids, lengths, owners = [], [], [], []
    for i, (end, length) in enumerate(zip(ends.tolist(), packed.lengths.tolist(), strict=True)):
        if not packed.truncated[i]:
            parts = [(packed.ids[end - length : end], packed.type_ids[end - length : end])]
        else:
            windows = tokenizer.windows(
                texts.first[i],
                texts.second[i],
                max_length=max_length,
                stride=max_length // _OVERLAP,
                split_words=not isinstance(texts.first[i], str),
                strategy=strategy,
            )
            parts = [(np.array(w.ids, np.int32), np.array(w.type_ids, np.int32)) for w in windows]
        for window_ids, window_type_ids in parts:
            ids.append(window_ids)
            type_ids.append(window_type_ids)
            lengths.append(len(window_ids))
            owners.append(i)
    return Tokenized(
        PackedEncodings(
            np.concatenate(ids),
            np.concatenate(type_ids),
            np.array(lengths, np.int32),
            np.zeros(len(lengths), np.int32),
        ),
        np.array(owners, np.int32),
    )
