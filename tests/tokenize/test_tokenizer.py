"""Text to ids: what the core gives, whatever the text."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError, SourceError
from bertie.tokenize import Tokenizer

Load = Callable[..., Tokenizer]

TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.text(
    "abcABC é\u0301中,.[MASK]\u0000\u200d\u0130각", max_size=60
)


def test_a_sentence_becomes_words_pieces_and_punctuation(tokenizer: Tokenizer) -> None:
    encoding = tokenizer.encode("The quick fox jumped, unaffable!")
    assert encoding.tokens == (
        ["[CLS]", "the", "quick", "fox", "jump", "##ed", ",", "un", "##aff", "##able", "!", "[SEP]"]
    )
    assert encoding.ids == [tokenizer.id_of(token) for token in encoding.tokens]
    assert encoding.offsets[4:8] == [(14, 18), (18, 20), (20, 21), (22, 24)]
    assert encoding.word_ids == [None, 0, 1, 2, 3, 3, 4, 5, 5, 5, 6, None]
    assert encoding.special_mask == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert encoding.truncated == 0


def test_a_pair_has_type_ids_and_its_own_offsets_and_words(tokenizer: Tokenizer) -> None:
    encoding = tokenizer.encode("hello world", "the dog")
    assert encoding.tokens == ["[CLS]", "hello", "world", "[SEP]", "the", "dog", "[SEP]"]
    assert encoding.type_ids == [0, 0, 0, 0, 1, 1, 1]
    assert encoding.offsets[4:6] == [(0, 3), (4, 7)]
    assert encoding.word_ids == [None, 0, 1, None, 0, 1, None]


@pytest.mark.parametrize("text", ["", " ", "\t\n\u3000", "\u0000\u200b"])
def test_nothing_to_read_is_a_bare_frame(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text).tokens == ["[CLS]", "[SEP]"]


def test_without_special_tokens_the_frame_is_left_out(tokenizer: Tokenizer) -> None:
    encoding = tokenizer.encode("hello", "world", add_special_tokens=False)
    assert encoding.tokens == ["hello", "world"]
    assert encoding.type_ids == [0, 1]


def test_offsets_count_code_points_of_the_callers_text(tokenizer: Tokenizer) -> None:
    text = "\U0001f600 HE\u0301LLO\u200b 中国"
    encoding = tokenizer.encode(text)
    assert encoding.tokens[2:5] == ["hello", "中", "国"]
    assert [text[a:b] for a, b in encoding.offsets[2:5]] == ["HE\u0301LLO", "中", "国"]


def test_special_tokens_in_the_text_are_found(tokenizer: Tokenizer) -> None:
    encoding = tokenizer.encode("the[MASK] dog")
    assert encoding.tokens[1:-1] == ["the", "[MASK]", "dog"]
    assert encoding.special_mask[2] == 0
    assert encoding.word_ids[1:-1] == [0, 1, 2]


def test_a_word_of_more_than_100_characters_is_unknown(load: Load) -> None:
    tokenizer = load()
    assert tokenizer.encode("a" * 100).tokens == ["[CLS]", "a", *["##a"] * 99, "[SEP]"]
    assert tokenizer.encode("a" * 101).tokens == ["[CLS]", "[UNK]", "[SEP]"]
    assert tokenizer.encode("é" * 101).offsets[1] == (0, 101)


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({}, ["hello", "[UNK]"]),
        ({"do_lower_case": False}, ["Hello", "é"]),
        ({"do_lower_case": True, "strip_accents": False}, ["hello", "é"]),
        ({"do_lower_case": False, "strip_accents": True}, ["Hello", "[UNK]"]),
    ],
)
def test_case_and_accents_go_by_the_config(
    load: Load, config: dict[str, bool], tokens: list[str]
) -> None:
    assert load(config=config).encode("Hello é").tokens[1:-1] == tokens


def test_chinese_stays_together_where_the_config_says_so(load: Load) -> None:
    tokenizer = load(config={"tokenize_chinese_chars": False})
    assert tokenizer.encode("中国").tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_the_callers_lower_casing_wins(load: Load) -> None:
    tokenizer = load(config={"do_lower_case": True}, lower=False)
    assert tokenizer.encode("Hello").tokens[1] == "Hello"
    assert tokenizer.settings["lower"].origin == "caller"


class TestTruncation:
    def test_right_keeps_the_beginning_and_counts_the_rest(self, tokenizer: Tokenizer) -> None:
        encoding = tokenizer.encode("a b c a b c", max_length=5)
        assert encoding.tokens == ["[CLS]", "a", "b", "c", "[SEP]"]
        assert encoding.truncated == 3

    def test_left_keeps_the_end(self, tokenizer: Tokenizer) -> None:
        encoding = tokenizer.encode("a b c a b c", max_length=4, truncate="left")
        assert encoding.tokens == ["[CLS]", "b", "c", "[SEP]"]
        assert encoding.offsets[1] == (8, 9)

    def test_the_longer_of_a_pair_loses_first(self, tokenizer: Tokenizer) -> None:
        encoding = tokenizer.encode("a", "a b c a b c", max_length=6)
        assert encoding.tokens == ["[CLS]", "a", "[SEP]", "a", "b", "[SEP]"]

    def test_error_names_the_position_and_the_counts(self, tokenizer: Tokenizer) -> None:
        with pytest.raises(InputError, match=r"texts\[1\] has 5 tokens .* at most 4"):
            tokenizer.encode_batch(["a", "a b c"], max_length=4, truncate="error")
        with pytest.raises(InputError, match=r"text has 5 tokens"):
            tokenizer.encode("a b c", max_length=4, truncate="error")

    def test_the_length_given_to_load_is_the_default(self, load: Load) -> None:
        assert len(load(max_length=4).encode("a b c").ids) == 4
        assert len(load(config={"model_max_length": 4}).encode("a b c").ids) == 5

    def test_no_room_for_the_special_tokens_is_refused(self, tokenizer: Tokenizer) -> None:
        assert tokenizer.encode("a b", max_length=2).tokens == ["[CLS]", "[SEP]"]
        with pytest.raises(InputError, match="expected at least 2 for the special tokens"):
            tokenizer.encode("a b", max_length=1)

    def test_an_unknown_policy_is_refused(self, tokenizer: Tokenizer) -> None:
        with pytest.raises(InputError, match="right, left, error"):
            tokenizer.encode("a", truncate="middle")


@pytest.mark.parametrize(
    ("bad", "seen"),
    [
        (None, "is None"),
        (b"bytes", "is of type bytes, expected str: decode"),
        (3, "is of type int"),
        (1.5, "is of type float"),
        (["a"], "is of type list"),
        ("ab\ud800c", "lone surrogate at index 2"),
    ],
)
class TestBadText:
    def test_in_a_batch_names_its_position(
        self, tokenizer: Tokenizer, bad: object, seen: str
    ) -> None:
        with pytest.raises(InputError, match=rf"texts\[2\] .*{seen}|texts\[2\] {seen}"):
            tokenizer.encode_batch(["a", "b", bad, "c"])

    def test_alone_is_named_text(self, tokenizer: Tokenizer, bad: object, seen: str) -> None:
        with pytest.raises(InputError, match=r"^text "):
            tokenizer.encode(bad)

    def test_in_pairs_is_named_too(self, tokenizer: Tokenizer, bad: object, seen: str) -> None:
        with pytest.raises(InputError, match=r"pairs\[0\]"):
            tokenizer.encode_batch(["a"], [bad])


def test_a_single_string_is_no_batch(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="texts is one str, expected a list of str"):
        tokenizer.encode_batch("hello")


def test_pairs_have_to_be_as_many_as_texts(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="2 texts and 1 pairs"):
        tokenizer.encode_batch(["a", "b"], ["c"])


def test_an_empty_batch_is_empty(tokenizer: Tokenizer) -> None:
    packed = tokenizer.encode_batch([])
    assert packed.ids.shape == packed.lengths.shape == (0,)


@given(texts=st.lists(TEXT, max_size=8), threads=st.sampled_from([1, 2, 3]))
def test_a_batch_equals_its_texts_one_by_one(
    tokenizer: Tokenizer, texts: list[str], threads: int
) -> None:
    packed = tokenizer.encode_batch(texts, threads=threads)
    singles = [tokenizer.encode(text) for text in texts]
    assert packed.ids.tolist() == [id for single in singles for id in single.ids]
    assert packed.lengths.tolist() == [len(single.ids) for single in singles]


@given(first=TEXT, second=TEXT, length=st.integers(3, 20), side=st.sampled_from(["right", "left"]))
def test_a_truncated_pair_in_a_batch_equals_it_alone(
    tokenizer: Tokenizer, first: str, second: str, length: int, side: str
) -> None:
    packed = tokenizer.encode_batch([first], [second], max_length=length, truncate=side)
    single = tokenizer.encode(first, second, max_length=length, truncate=side)
    assert packed.ids.tolist() == single.ids
    assert packed.type_ids.tolist() == single.type_ids
    assert packed.truncated.tolist() == [single.truncated]
    assert len(single.ids) <= length


def test_many_texts_on_many_threads_keep_their_order(tokenizer: Tokenizer) -> None:
    texts = [f"{'a ' * (i % 17)}dog" for i in range(5000)]
    packed = tokenizer.encode_batch(texts, threads=3)
    assert packed.lengths.tolist() == [i % 17 + 3 for i in range(5000)]


@given(text=TEXT)
def test_offsets_lie_in_the_text_and_never_go_back(tokenizer: Tokenizer, text: str) -> None:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    starts = [start for start, _ in encoding.offsets]
    assert starts == sorted(starts)
    assert all(0 <= start < end <= len(text) for start, end in encoding.offsets)
    assert all(text[start:end].strip() for start, end in encoding.offsets)


@given(words=st.lists(st.sampled_from(["the", "quick", "jumped", "unaffable", "dog"])))
def test_words_of_the_vocabulary_come_back_from_decoding(
    tokenizer: Tokenizer, words: list[str]
) -> None:
    text = " ".join(words)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_decoding_tidies_punctuation_and_may_keep_special_tokens(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("hello , world !").ids
    assert tokenizer.decode(ids) == "hello, world!"
    assert tokenizer.decode(ids, skip_special_tokens=False) == "[CLS] hello, world! [SEP]"


@pytest.mark.parametrize("id", [-1, 10**6])
def test_an_id_outside_the_vocabulary_is_refused(tokenizer: Tokenizer, id: int) -> None:
    with pytest.raises(InputError, match=f"id {id} is outside the vocabulary"):
        tokenizer.decode([id])


def test_a_pickled_tokenizer_gives_the_same(tokenizer: Tokenizer) -> None:
    copy = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301
    assert copy.encode("the unaffable dog") == tokenizer.encode("the unaffable dog")
    assert copy.identity() == tokenizer.identity()


def test_the_identity_tells_settings_apart(load: Load) -> None:
    assert load().identity() != load(lower=False).identity()


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="none"):
        Tokenizer.load(tmp_path / "none")


def test_importing_loads_neither_numpy_nor_the_core() -> None:
    code = (
        "import sys, bertie.tokenize;"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'bertie._core')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_vocab_given_by_the_caller_is_used(load: Load, write_model: Callable[..., Path]) -> None:
    other = write_model(["[UNK]", "[CLS]", "[SEP]", "hi"], name="other")
    assert load(vocab=other / "vocab.txt").encode("hi").ids == [1, 3, 2]


@pytest.mark.parametrize("id", [3.7, 3.0, "3", True, None])
def test_an_id_that_is_no_whole_number_is_refused(tokenizer: Tokenizer, id: object) -> None:
    with pytest.raises(InputError, match=r"id 1 is .*, expected a whole number"):
        tokenizer.decode([np.int64(5), id])
