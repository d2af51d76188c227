"""Long inputs as overlapping windows, so that nothing is left out."""

import numpy as np
from numpy.typing import NDArray

from bertie.calls.texts import Texts
from bertie.calls.tokenized import Tokenized
from bertie.tokenize import PackedEncodings, PackedWindows, Tokenizer
from bertie.tokenize.tokenizer import Strategy

Ints = NDArray[np.int32]

# A window has one token in so many in common with the one before it.
OVERLAP = 4


def split_into_windows(
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
                stride=max_length // OVERLAP,
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


def first_windows(windows: PackedWindows, stride: int, sequence: int) -> tuple[PackedWindows, Ints]:
    """Keep each text's first window alone.

    Args:
        windows: of some texts.
        stride: tokens that a window shares with the one before it.
        sequence: which text of each input is in windows, 0 or 1.
    Returns: those windows, and (texts,) int32, the tokens that each of them leaves out.
    """
    firsts = np.flatnonzero(np.diff(windows.texts, prepend=-1))
    if len(firsts) == len(windows.lengths):
        return windows, np.zeros(len(firsts), np.int32)
    starts = np.cumsum(windows.lengths) - windows.lengths
    kept = np.repeat(np.isin(np.arange(len(starts)), firsts), windows.lengths)
    tokens = np.add.reduceat(windows.sequences == sequence, starts, dtype=np.int32)
    others = np.diff(np.append(firsts, len(starts))) - 1
    left_out = np.add.reduceat(tokens, firsts) - tokens[firsts] - others * stride
    alone = PackedWindows(
        windows.ids[kept],
        windows.type_ids[kept],
        windows.lengths[firsts],
        windows.texts[firsts],
        windows.offsets[kept],
        windows.word_ids[kept],
        windows.sequences[kept],
    )
    return alone, left_out.astype(np.int32)
