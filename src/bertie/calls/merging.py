"""Windows of one text, joined so that no seam shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bertie.tokenize import PackedEncodings, PackedWindows

Number = TypeVar("Number", bound=np.floating)
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Window:
    """What one window has of a text.

    Attributes:
        first: the place of its first token among the text's tokens.
        offsets: (tokens, 2), start and end of each of its tokens of the text.
        word_ids: (tokens,), the word of each.
        rows: where those tokens stand in the window, special ones counted, too.
        context: (tokens,), how many tokens of the text stand between each and the nearer end of
            the window that is not an end of the text.
    """

    first: int
    offsets: Ints
    word_ids: Ints
    rows: NDArray[np.intp]
    context: NDArray[np.int64]


def as_encodings(windows: PackedWindows) -> PackedEncodings:
    """Take windows as sequences that stand alone."""
    none = np.zeros(len(windows.lengths), np.int32)
    return PackedEncodings(windows.ids, windows.type_ids, windows.lengths, none)


def windows_by_text(
    windows: PackedWindows, count: int, stride: int, sequence: int
) -> Iterator[list[tuple[int, Window]]]:
    """Give each text's windows, in order, each with its place among all windows.

    Args:
        windows: of `count` texts, cut from the right.
        stride: tokens of a text that a window shares with the one before it.
        sequence: 0 where the first text of each input is in windows, 1 where the second is.
    """
    starts = np.cumsum(windows.lengths) - windows.lengths
    # All windows' tokens at once: short texts are many, and a call into NumPy takes a while.
    rows = np.flatnonzero(windows.sequences == sequence)
    cuts = np.searchsorted(rows, np.append(starts, len(windows.ids)))
    offsets, word_ids = windows.offsets[rows], windows.word_ids[rows]
    rows -= np.repeat(starts, np.diff(cuts))
    bounds = cuts.tolist()
    places = np.searchsorted(windows.texts, np.arange(count + 1)).tolist()
    for begin, end in pairwise(places):
        found: list[tuple[int, Window]] = []
        first = 0
        for number in range(begin, end):
            here = slice(bounds[number], bounds[number + 1])
            tokens = bounds[number + 1] - bounds[number]
            context = _context_sizes(tokens, number == begin, number == end - 1)
            found.append(
                (number, Window(first, offsets[here], word_ids[here], rows[here], context))
            )
            first += tokens - stride
        yield found


def _context_sizes(tokens: int, begins: bool, ends: bool) -> NDArray[np.int64]:
    """Count each token's distance from the nearer seam; an end of the text is none."""
    beyond = np.full(tokens, tokens)
    if begins and ends:
        return beyond
    places = np.arange(tokens)
    return np.minimum(beyond if begins else places, beyond if ends else places[::-1])


def merge_windows(
    windows: list[tuple[int, Window]], rows: Sequence[NDArray[Number]]
) -> tuple[NDArray[Number], Ints, Ints]:
    """Join a text's windows; each token is taken from the window where it has most context.

    Args:
        windows: of one text, as windows_by_text gives them.
        rows: by the number of a window (its tokens, width), special ones included.
    Returns: for the text's tokens rows (tokens, width), offsets (tokens, 2), word ids (tokens,).
    """
    parts = [(window, rows[number][window.rows]) for number, window in windows]
    if len(parts) == 1:
        window, values = parts[0]
        return values, window.offsets, window.word_ids
    last = parts[-1][0]
    total = last.first + len(last.rows)
    joined = np.zeros((total, parts[0][1].shape[1]), parts[0][1].dtype)
    offsets = np.zeros((total, 2), np.int32)
    word_ids = np.zeros(total, np.int32)
    best = np.full(total, -1)
    for window, values in parts:
        span = slice(window.first, window.first + len(window.rows))
        better = window.context > best[span]
        best[span][better] = window.context[better]
        joined[span][better] = values[better]
        offsets[span] = window.offsets
        word_ids[span] = window.word_ids
    return joined, offsets, word_ids
