"""The best spans over all windows, against every span tried one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertie.calls.merging import Window
from bertie.tasks.candidates import Candidate, candidates, without_overlaps

CONTEXT = "a " * 20
LOGITS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=12)


def window(tokens: int, first: int = 0, words: list[int] | None = None) -> Window:
    """A window after one framing token, whose tokens are each a character and a space apart."""
    places = np.arange(first, first + tokens)
    offsets = np.stack([2 * places, 2 * places + 1], axis=1).astype(np.int32)
    word_ids = places if words is None else np.array(words)
    context = np.full(tokens, 99)
    return Window(first, offsets, word_ids.astype(np.int32), np.arange(1, tokens + 1), context)


def framed(pairs: list[tuple[int, int]], nothing: float = -50) -> np.ndarray:
    """Logits of a window's tokens behind those of the framing one."""
    return np.array([(nothing, nothing), *pairs], np.float32)


@given(LOGITS, st.integers(1, 5), st.integers(1, 8))
def test_no_better_span_is_missed(pairs: list[tuple[int, int]], longest: int, count: int) -> None:
    every = [
        (pairs[i][0] + pairs[j][1], 2 * i, 2 * j + 1)
        for i in range(len(pairs))
        for j in range(i, min(i + longest, len(pairs)))
    ]
    nothing, found = candidates(
        CONTEXT, [(window(len(pairs)), framed(pairs))], count, longest, whole_words=False
    )
    assert nothing == -100
    assert [one.logit for one in found] == sorted((e[0] for e in every), reverse=True)[:count]
    assert {(one.logit, one.start, one.end) for one in found} <= set(every)


def test_a_start_counts_in_the_window_where_it_has_most_context() -> None:
    left, right = window(3), window(3, first=2)
    for one, context in ((left, [99, 99, 0]), (right, [1, 99, 99])):
        one.context[:] = context
    shared = framed([(0, 0), (0, 0), (9, 0)]), framed([(5, 1), (0, 0), (0, 0)])
    _, found = candidates(
        CONTEXT, list(zip((left, right), shared, strict=True)), 1, 1, whole_words=False
    )
    assert found == [Candidate(6, 4, 5)]


def test_a_span_grows_to_whole_words() -> None:
    word = window(4, words=[0, 1, 1, 2])
    logits = framed([(0, 0), (0, 0), (9, 9), (0, 0)])
    assert candidates(CONTEXT, [(word, logits)], 1, 3, whole_words=True)[1] == [Candidate(18, 2, 5)]
    assert candidates(CONTEXT, [(word, logits)], 1, 3, whole_words=False)[1] == [
        Candidate(18, 4, 5)
    ]


def test_no_context_has_no_spans_and_the_least_of_all_windows_says_so() -> None:
    assert candidates(CONTEXT, [(window(0), framed([], 3))], 5, 5, whole_words=True) == (6, [])
    both = [(window(1), framed([(1, 1)], 3)), (window(1, 1), framed([(0, 0)], -2))]
    assert candidates(CONTEXT, both, 1, 5, whole_words=True) == (-4, [Candidate(2, 0, 1)])


def test_spans_that_overlap_a_better_one_are_left_out() -> None:
    spans = [Candidate(9, 4, 8), Candidate(8, 6, 9), Candidate(7, 8, 9), Candidate(6, 0, 4)]
    assert without_overlaps(spans, 4) == [0, 2, 3]
    assert without_overlaps(spans, 2) == [0, 2]


def test_equal_spans_are_taken_in_order() -> None:
    same = [(window(12), framed([(1, 1)] * 12))]
    _, found = candidates(CONTEXT, same, 3, 4, whole_words=False)
    assert [(one.start, one.end) for one in found] == [(0, 1), (0, 3), (0, 5)]
    _, more = candidates(CONTEXT, same, 9, 4, whole_words=False)
    assert more[:3] == found
