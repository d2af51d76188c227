"""Text cleaned and cut into words. Facts of Google's tokenization_test.py and of gobert's tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.tokenize import BasicTokenizer


@pytest.mark.parametrize(
    ("text", "lower", "words"),
    [
        ("ah\u535a\u63a8zz", True, ["ah", "\u535a", "\u63a8", "zz"]),
        ("ah\u535a\u63a8zz", False, ["ah", "\u535a", "\u63a8", "zz"]),
        (" \tHeLLo!how  \n Are yoU?  ", True, ["hello", "!", "how", "are", "you", "?"]),
        (" \tHeLLo!how  \n Are yoU?  ", False, ["HeLLo", "!", "how", "Are", "yoU", "?"]),
        ("H\u00e9llo", True, ["hello"]),
        ("H\u00e9llo", False, ["H\u00e9llo"]),
        ("HELL\u00f3 THERE", True, ["hello", "there"]),
        ("HELL\u00f3 THERE", False, ["HELL\u00f3", "THERE"]),
        ("", True, []),
        (" a ", True, ["a"]),
        ("abc  def ", True, ["abc", "def"]),
    ],
)
def test_words_are_what_google_and_gobert_expect(text: str, lower: bool, words: list[str]) -> None:
    assert BasicTokenizer(lower).tokenize(text) == words


@pytest.mark.parametrize("space", [" ", "\t", "\r", "\n", "\u00a0"])
def test_white_space_parts_words(space: str) -> None:
    assert BasicTokenizer().tokenize(f"a{space}b") == ["a", "b"]


@pytest.mark.parametrize("inside", ["A", "\U0001f4a9"])
def test_letters_and_emoji_are_neither_space_nor_control(inside: str) -> None:
    assert BasicTokenizer(lower=False).tokenize(f"a{inside}b") == [f"a{inside}b"]


def test_control_characters_vanish() -> None:
    assert BasicTokenizer().tokenize("a\u0005b\u0000\ufffdc") == ["abc"]
    assert BasicTokenizer(clean_text=False).tokenize("a\u0005b") == ["a\u0005b"]


@pytest.mark.parametrize("mark", "-$`.")
def test_punctuation_is_a_word_of_its_own_and_ascii_symbols_count(mark: str) -> None:
    assert BasicTokenizer().tokenize(f"a{mark}b") == ["a", mark, "b"]


@pytest.mark.parametrize(
    ("text", "spaced"),
    [
        ("", ""),
        (" a", " a"),
        ("\u535a\u535a", " \u535a  \u535a "),
        ("abc \u535a\u535a \u535a ", "abc  \u535a  \u535a   \u535a  "),
        ("ah\u535a\u63a8zz", "ah \u535a  \u63a8 zz"),
    ],
)
def test_chinese_characters_get_a_space_on_both_sides(text: str, spaced: str) -> None:
    assert BasicTokenizer().normalize(text) == spaced
    assert BasicTokenizer(tokenize_chinese_chars=False).normalize(text) == text


def test_accents_may_be_kept_or_dropped_whatever_the_case() -> None:
    assert BasicTokenizer(strip_accents=False).tokenize("É") == ["é"]
    assert BasicTokenizer(lower=False, strip_accents=True).tokenize("É") == ["E"]


def test_words_that_are_never_split_stay_as_they_are() -> None:
    basic = BasicTokenizer(never_split=["[PAD]", "C++"])
    words = basic.tokenize("Learn C++ and [PAD], C")
    assert words == ["learn", "C++", "and", "[", "pad", "]", ",", "c"]
    assert basic.tokenize("[PAD] C++") == ["[PAD]", "C++"]


def test_words_say_where_they_come_from() -> None:
    assert BasicTokenizer().words("Hé, \u4e2d") == [
        ("he", (0, 2)),
        (",", (2, 3)),
        ("\u4e2d", (4, 5)),
    ]


@given(text=st.text(st.characters(codec="utf-8")))
def test_words_hold_no_white_space_and_come_in_order(text: str) -> None:
    words = BasicTokenizer().words(text)
    assert all(word and not any(c.isspace() and c not in "\x1c\x1d\x1e\x1f" for c in word)
               for word, _ in words)  # fmt: skip
    assert [span for _, span in words] == sorted(span for _, span in words)


@pytest.mark.parametrize("bad", [None, b"a", 1, "\ud800"])
def test_what_is_no_text_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match=r"^text "):
        BasicTokenizer().tokenize(bad)
