"""Windows, strategies, sides and strides; and words that the caller has split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.tokenize import Encoding, PackedWindows, Tokenizer


def texts(windows: list) -> list[str]:
    return [" ".join(w.tokens[1:-1]) for w in windows]


def unpacked(packed: PackedWindows) -> list[tuple]:
    """Give each window's text, ids, type ids, offsets, word ids, sequences and special mask."""
    ends = packed.lengths.cumsum()
    return [
        (
            int(text),
            packed.ids[end - length : end].tolist(),
            packed.type_ids[end - length : end].tolist(),
            [tuple(pair) for pair in packed.offsets[end - length : end].tolist()],
            packed.word_ids[end - length : end].tolist(),
            packed.sequences[end - length : end].tolist(),
            packed.special_mask[end - length : end].tolist(),
        )
        for text, length, end in zip(packed.texts, packed.lengths, ends, strict=True)
    ]


def as_unpacked(text: int, window: Encoding, sequences: list[int | None]) -> tuple:
    """Give one window of one text as `unpacked` does."""
    return (
        text,
        window.ids,
        window.type_ids,
        window.offsets,
        [-1 if word is None else word for word in window.word_ids],
        [-1 if sequence is None else sequence for sequence in sequences],
        [bool(framing) for framing in window.special_mask],
    )


def test_windows_share_the_stride_and_leave_nothing_out(tokenizer: Tokenizer) -> None:
    windows = tokenizer.windows("a b c a b", max_length=5, stride=1)
    assert texts(windows) == ["a b c", "c a b"]
    assert windows[1].offsets[1:-1] == [(4, 5), (6, 7), (8, 9)]


def test_windows_may_begin_at_the_end(tokenizer: Tokenizer) -> None:
    windows = tokenizer.windows("a b c a b", max_length=4, truncate="left")
    assert texts(windows) == ["a b", "b c", "a"]


def test_each_part_of_one_text_meets_each_part_of_the_other(tokenizer: Tokenizer) -> None:
    windows = tokenizer.windows("a b", "c a b c", max_length=6, strategy="only_second")
    assert [w.tokens[4:-1] for w in windows] == [["c"], ["a"], ["b"], ["c"]]
    assert all(w.type_ids == [0, 0, 0, 0, 1, 1] for w in windows)


def test_a_short_text_is_one_window(tokenizer: Tokenizer) -> None:
    assert tokenizer.windows("a", max_length=8) == [tokenizer.encode("a")]


def test_only_one_text_may_be_cut(tokenizer: Tokenizer) -> None:
    first = tokenizer.encode("a b c", "a b c", max_length=7, strategy="only_first")
    assert first.tokens == ["[CLS]", "a", "[SEP]", "a", "b", "c", "[SEP]"]
    second = tokenizer.encode("a b c", "a b c", max_length=7, strategy="only_second")
    assert second.tokens == ["[CLS]", "a", "b", "c", "[SEP]", "a", "[SEP]"]


def test_what_a_strategy_cannot_cut_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="the first text has 1 tokens and 2 must go"):
        tokenizer.encode("a", "a b c", max_length=5, strategy="only_first")
    with pytest.raises(InputError, match="without a second text"):
        tokenizer.encode("a b c", max_length=4, strategy="only_second")
    with pytest.raises(InputError, match="longest_first, only_first, only_second"):
        tokenizer.encode("a", strategy="shortest")


def test_a_stride_that_makes_no_headway_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="stride is 2, and only 2 tokens"):
        tokenizer.windows("a b c", max_length=4, stride=2)
    with pytest.raises(InputError, match="stride is -1"):
        tokenizer.windows("a b c", max_length=4, stride=-1)


@given(
    words=st.lists(st.sampled_from("abc"), min_size=1, max_size=30),
    room=st.integers(1, 8),
    stride=st.integers(0, 7),
)
def test_windows_put_together_are_the_text(
    tokenizer: Tokenizer, words: list[str], room: int, stride: int
) -> None:
    if stride >= room:
        return
    windows = tokenizer.windows(" ".join(words), max_length=room + 2, stride=stride)
    together = texts(windows[:1]) + [" ".join(w.tokens[1 + stride : -1]) for w in windows[1:]]
    assert " ".join(together).split() == words


def test_windows_without_room_for_text_are_refused(tokenizer: Tokenizer) -> None:
    message = "max_length is 2, which leaves no room for text beside the special tokens"
    with pytest.raises(InputError, match=message):
        tokenizer.windows("a b c", max_length=2)
    with pytest.raises(InputError, match=message):
        tokenizer.encode_windows(["a b c"], max_length=2)
    assert [window.ids for window in tokenizer.windows("", max_length=2)] == [
        tokenizer.encode("").ids
    ]


class TestManyTexts:
    TEXTS = (
        "the quick é\U0001f600 brown fox jumped over",
        "",
        "a b",
        "hello, unwantable world! 中国",
    )

    @pytest.mark.parametrize("threads", [1, 3])
    def test_the_windows_of_each_text_follow_one_another(
        self, tokenizer: Tokenizer, threads: int
    ) -> None:
        texts = self.TEXTS * 2000  # enough to wake threads
        packed = tokenizer.encode_windows(texts, max_length=6, stride=1, threads=threads)
        expected = []
        for i, text in enumerate(self.TEXTS):
            for window in tokenizer.windows(text, max_length=6, stride=1):
                sequences = [None if framing else 0 for framing in window.special_mask]
                expected.append(as_unpacked(i, window, sequences))
        found = unpacked(packed)
        assert found[: len(expected)] == expected
        assert [row[1:] for row in found] == [row[1:] for row in expected] * 2000
        assert packed.texts[-1] == len(texts) - 1
        assert {array.dtype.name for array in vars(packed).values()} == {"int32"}
        assert packed.offsets.shape == (len(packed.ids), 2)

    @pytest.mark.parametrize("split", [False, True])
    @pytest.mark.parametrize("strategy", ["only_second", "only_first", "longest_first"])
    @pytest.mark.parametrize("side", ["right", "left"])
    def test_they_are_what_tokenizers_lets_overflow(
        self, tokenizer: Tokenizer, strategy: str, side: str, split: bool
    ) -> None:
        tokenizers = pytest.importorskip("tokenizers")
        oracle = tokenizers.BertWordPieceTokenizer(
            {token: i for i, token in enumerate(tokenizer.vocab)}
        )._tokenizer
        limit = 30 if strategy == "only_first" else 13
        oracle.enable_truncation(limit, stride=2, strategy=strategy, direction=side)
        short, long = "Who jumped, é?", "the lazy dog, the unaffable 中国 fox - a b c!"
        pairs = [(long * 4, short)] if strategy == "only_first" else [(short, long), (short, "a")]
        first: list = [a.split() if split else a for a, _ in pairs]
        second: list = [b.split() if split else b for _, b in pairs]
        packed = tokenizer.encode_windows(
            first,
            second,
            max_length=limit,
            stride=2,
            strategy=strategy,
            truncate=side,
            split_words=split,
        )
        expected = []
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            encoding = oracle.encode(a, b, is_pretokenized=split)
            for window in [encoding, *encoding.overflowing]:
                theirs = Encoding(
                    window.ids,
                    window.type_ids,
                    window.tokens,
                    window.offsets,
                    window.word_ids,
                    window.special_tokens_mask,
                )
                expected.append(as_unpacked(i, theirs, window.sequence_ids))
        assert unpacked(packed) == expected
        assert len(expected) > len(pairs)

    def test_a_text_that_cannot_be_cut_is_named(self, tokenizer: Tokenizer) -> None:
        with pytest.raises(InputError, match=r"texts\[1\]: the second text has 1 tokens"):
            tokenizer.encode_windows(
                ["a", "a b c a b c"], ["a b", "a"], max_length=6, strategy="only_second"
            )
        with pytest.raises(InputError, match=r"texts\[2\] is None"):
            tokenizer.encode_windows(["a", "b", None], max_length=6)
        with pytest.raises(InputError, match="2 texts and 1 pairs"):
            tokenizer.encode_windows(["a", "b"], ["a"], max_length=6)

    def test_options_that_make_no_sense_are_refused(self, tokenizer: Tokenizer) -> None:
        with pytest.raises(InputError, match=r"texts\[0\]: stride is 2, and only 2 tokens"):
            tokenizer.encode_windows(["a b c"], max_length=4, stride=2)
        with pytest.raises(InputError, match="windows leave nothing out"):
            tokenizer.encode_windows(["a"], max_length=4, truncate="error")
        with pytest.raises(InputError, match="threads is 0"):
            tokenizer.encode_windows(["a"], max_length=4, threads=0)

    def test_no_texts_are_no_windows(self, tokenizer: Tokenizer) -> None:
        packed = tokenizer.encode_windows([], max_length=4)
        assert unpacked(packed) == []
        assert packed.offsets.shape == (0, 2)


class TestSplitWords:
    def test_word_ids_count_the_callers_words(self, tokenizer: Tokenizer) -> None:
        encoding = tokenizer.encode(["The", "jumped", "é!", "", "dog"], split_words=True)
        assert encoding.tokens[1:-1] == ["the", "jump", "##ed", "[UNK]", "!", "dog"]
        assert encoding.word_ids[1:-1] == [0, 1, 1, 2, 2, 4]
        assert encoding.offsets[1:-1] == [(0, 3), (0, 4), (4, 6), (0, 1), (1, 2), (0, 3)]

    def test_a_word_that_the_vocabulary_has_whole_is_that_token(self, tokenizer: Tokenizer) -> None:
        vocab = [*tokenizer.vocab, "...", "u.s."]
        dots = Tokenizer.from_vocab(type(tokenizer.vocab)(vocab))
        encoding = dots.encode(["...", "U.S.", "....", "[MASK]"], split_words=True)
        assert encoding.tokens[1:-1] == ["...", "u.s.", ".", ".", ".", ".", "[MASK]"]
        assert dots.encode("...").tokens[1:-1] == [".", ".", "."]

    def test_batches_and_pairs_are_split_too(self, tokenizer: Tokenizer) -> None:
        packed = tokenizer.encode_batch([["a", "b"], []], [["c"], ["a"]], split_words=True)
        assert packed.lengths.tolist() == [6, 4]
        single = tokenizer.encode(["a", "b"], ["c"], split_words=True)
        assert packed.ids[:6].tolist() == single.ids

    def test_a_word_that_is_none_is_named(self, tokenizer: Tokenizer) -> None:
        with pytest.raises(InputError, match=r"texts\[1\]\[2\] is None"):
            tokenizer.encode_batch([["a"], ["a", "b", None]], split_words=True)
        with pytest.raises(InputError, match=r"texts\[0\] is of type str, expected a list of"):
            tokenizer.encode_batch(["a b"], split_words=True)
        with pytest.raises(InputError, match=r"text\[1\] has a lone surrogate"):
            tokenizer.encode(["a", "\ud800"], split_words=True)


class TestStream:
    def test_blocks_hold_the_texts_in_order(self, tokenizer: Tokenizer) -> None:
        texts = ["a " * (i % 5) for i in range(100)]
        blocks = list(tokenizer.encode_stream(iter(texts), block=7))
        assert [len(b.lengths) for b in blocks] == [7] * 14 + [2]
        whole = tokenizer.encode_batch(texts)
        assert [n for b in blocks for n in b.lengths] == whole.lengths.tolist()
        assert [i for b in blocks for i in b.ids] == whole.ids.tolist()

    def test_nothing_is_read_ahead(self, tokenizer: Tokenizer) -> None:
        read = []

        def source():
            for i in range(10):
                read.append(i)
                yield "a"

        stream = tokenizer.encode_stream(source(), block=2)
        next(stream)
        assert read == [0, 1]

    def test_a_bad_text_is_named_by_its_place_in_the_stream(self, tokenizer: Tokenizer) -> None:
        stream = tokenizer.encode_stream(["a"] * 5 + [None], block=2)
        assert len(next(stream).lengths) == 2
        next(stream)
        with pytest.raises(InputError, match=r"texts\[5\] is None"):
            next(stream)
