"""Windows of a text, joined, are as if the text had been read at once."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.calls.merging import as_encodings, merge_windows, windows_by_text
from bertie.calls.windows import first_windows
from bertie.tokenize import PackedWindows, Tokenizer

TOKENIZER = Tokenizer.load(Path(__file__).parents[1] / "data/tiny-bert")
WORDS = st.sampled_from(["wind", "rain", "fishing", "friendship", "2", "!"])
SENTENCES = st.lists(WORDS, max_size=40).map(" ".join)


def values_of(windows: PackedWindows) -> list[np.ndarray]:
    """Make rows that say which token each is, and from which window it was taken."""
    numbers = np.repeat(np.arange(len(windows.lengths)), windows.lengths)
    rows = np.stack([windows.ids, numbers], axis=1).astype(np.float32)
    return np.split(rows, np.cumsum(windows.lengths)[:-1])


@given(st.lists(SENTENCES, min_size=1, max_size=4), st.integers(6, 20), st.integers(0, 3))
def test_every_token_is_there_once(texts: list[str], max_length: int, stride: int) -> None:
    windows = TOKENIZER.encode_windows(texts, max_length=max_length, stride=stride)
    rows = values_of(windows)
    for text, found in zip(texts, windows_by_text(windows, len(texts), stride, 0), strict=True):
        whole = TOKENIZER.encode(text, add_special_tokens=False)
        values, offsets, word_ids = merge_windows(found, rows)
        assert values[:, 0].tolist() == whole.ids
        assert [tuple(pair) for pair in offsets.tolist()] == whole.offsets
        assert word_ids.tolist() == whole.word_ids
        assert (np.diff(values[:, 1]) >= 0).all()


def test_a_token_comes_from_the_window_where_it_has_most_context() -> None:
    windows = TOKENIZER.encode_windows(["wind " * 16], max_length=12, stride=4)
    assert windows.lengths.tolist() == [12, 12]
    (found,) = windows_by_text(windows, 1, 4, 0)
    values, _, _ = merge_windows(found, values_of(windows))
    assert values[:, 1].tolist() == [0] * 8 + [1] * 8


@given(st.lists(SENTENCES, min_size=1, max_size=4), st.integers(6, 20))
def test_the_first_windows_are_what_cutting_leaves(texts: list[str], max_length: int) -> None:
    stride = max_length // 4
    windows = TOKENIZER.encode_windows(texts, max_length=max_length, stride=stride)
    cut = TOKENIZER.encode_batch(texts, max_length=max_length)
    first, left_out = first_windows(windows, stride, 0)
    assert as_encodings(first).ids.tolist() == cut.ids.tolist()
    assert first.lengths.tolist() == cut.lengths.tolist()
    assert left_out.tolist() == cut.truncated.tolist()


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_second_text_of_a_pair_is_cut_alone(side: str) -> None:
    pair = {"pairs": ["wind and rain " * 9], "max_length": 20}
    windows = TOKENIZER.encode_windows(
        ["who sleeps"], **pair, stride=5, strategy="only_second", truncate=side
    )
    cut = TOKENIZER.encode_batch(["who sleeps"], **pair, strategy="only_second", truncate=side)
    first, left_out = first_windows(windows, 5, 1)
    assert first.ids.tolist() == cut.ids.tolist()
    assert left_out.tolist() == cut.truncated.tolist()
