"""Spans that may answer a question, from the logits of their first and last tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertie.calls.merging import Window
from bertie.tokenize.words import after_marks, count_solid, trim

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """A span of the context: the sum of its logits, its first character, one behind its last."""

    logit: float
    start: int
    end: int


def candidates(
    context: str,
    windows: Sequence[tuple[Window, Floats]],
    count: int,
    longest: int,
    *,
    whole_words: bool,
) -> tuple[float, list[Candidate]]:
    """Find the best spans over all windows of a context.

    Args:
        context: what the windows are of.
        windows: each with (tokens, 2) float32, start and end logits of all its tokens.
        count: the most spans to give.
        longest: the most tokens of a span.
        whole_words: whether spans grow to the words that they begin and end in.
    Returns: the logit of "no answer", the least over all windows of what their first token says;
        the spans, each once, best first, the earlier of equal ones first. None begins or ends
        with white space.
    """
    nothing = min(float(logits[0, 0]) + float(logits[0, 1]) for _, logits in windows)
    owned = _has_most_context([window for window, _ in windows])
    solid = count_solid(context)
    found: dict[tuple[int, int], float] = {}
    for (window, logits), own in zip(windows, owned, strict=True):
        starts, ends = window.word_ids >= 0, np.diff(solid[window.offsets])[:, 0] > 0
        for logit, first, last in _best_spans(
            logits[window.rows], own & starts, ends, count, longest
        ):
            if whole_words:
                first, last = _to_whole_words(window.word_ids, first, last)
            start, end = trim(context, int(window.offsets[first, 0]), int(window.offsets[last, 1]))
            limits = window.offsets[last + 1 : last + 2, 0].tolist()
            span = start, after_marks(context, end, *(limits or [len(context)]))
            found[span] = max(logit, found.get(span, -np.inf))
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return nothing, [Candidate(logit, start, end) for (start, end), logit in ordered[:count]]


def _has_most_context(windows: Sequence[Window]) -> list[NDArray[np.bool_]]:
    """Mark the tokens that have more context in a window than in any other, or are there first."""
    if len(windows) == 1:
        return [np.ones(len(windows[0].rows), np.bool_)]
    total = max(window.first + len(window.rows) for window in windows)
    best = np.full(total, -1)
    owner = np.full(total, -1)
    for number, window in enumerate(windows):
        span = slice(window.first, window.first + len(window.rows))
        better = window.context > best[span]
        best[span][better] = window.context[better]
        owner[span][better] = number
    return [
        owner[window.first : window.first + len(window.rows)] == number
        for number, window in enumerate(windows)
    ]


def _best_spans(
    logits: Floats,
    starts: NDArray[np.bool_],
    ends: NDArray[np.bool_],
    count: int,
    longest: int,
) -> list[tuple[float, int, int]]:
    """Find a window's best spans: their logits, first and last tokens; equal ones in order.

    Args:
        logits: (tokens, 2), of a start and of an end.
        starts, ends: (tokens,), where a span may begin and end.
        count: the most spans to give.
        longest: the most tokens of a span.
    """
    tokens = len(logits)
    if tokens == 0:
        return []
    longest = min(longest, tokens)
    first = np.where(starts, logits[:, 0].astype(np.float64), -np.inf)
    last = np.full(tokens + longest - 1, -np.inf)
    last[:tokens][ends] = logits[ends, 1]
    # sums[i, k]: a span that begins with token i and has k + 1 tokens.
    sums = first[:, None] + np.lib.stride_tricks.sliding_window_view(last, longest)
    flat = sums.reshape(-1)
    place = max(flat.size - count, 0)
    kept = np.flatnonzero((flat >= np.partition(flat, place)[place]) & np.isfinite(flat))
    kept = np.sort(kept[np.argsort(-flat[kept], kind="stable")[:count]])
    return [(float(flat[i]), i // longest, i // longest + i % longest) for i in kept.tolist()]


def _to_whole_words(word_ids: NDArray[np.int32], first: int, last: int) -> tuple[int, int]:
    """Let a span begin and end where words do, as far as the window has them."""
    while first > 0 and word_ids[first - 1] == word_ids[first]:
        first -= 1
    while last + 1 < len(word_ids) and word_ids[last + 1] == word_ids[last]:
        last += 1
    return first, last


def without_overlaps(spans: Sequence[Candidate], count: int) -> list[int]:
    """Choose at most `count` spans that don't overlap, best first: their places in the list."""
    chosen: list[int] = []
    for number, span in enumerate(spans):
        if len(chosen) == count:
            break
        if all(span.end <= spans[i].start or span.start >= spans[i].end for i in chosen):
            chosen.append(number)
    return chosen
