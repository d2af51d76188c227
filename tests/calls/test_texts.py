"""Bad texts are found before anything is computed, each by its position."""

from typing import Any

import pytest

from bertie.calls.texts import Texts, as_list, check_texts
from bertie.errors import InputError


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "text 7 is None"),
        (b"bytes", "text 7 is bytes b'bytes'"),
        (3.5, "text 7 is float 3.5"),
        (["words"], r"text 7 is list \['words'\]"),
        ("a\udc80", "text 7 is not Unicode: a lone surrogate at index 1"),
    ],
)
def test_a_bad_text_is_named_by_its_position(text: Any, fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}; expected str .* nothing has been computed"):
        check_texts(["good", "also good", text], first=5, pairs=False)


def test_many_bad_texts_are_counted() -> None:
    with pytest.raises(InputError, match="text 4 is None; and 3 more; expected str"):
        check_texts([None] * 8)


def test_good_texts_pass() -> None:
    check_texts(["", " ", "plain", "naïve", "水", "👍🏽"])


@pytest.mark.parametrize("inputs", [None, 3, b"bytes", {"a": "b"}])
def test_inputs_that_hold_no_texts_are_refused(inputs: Any) -> None:
    with pytest.raises(InputError, match=r"inputs is .*, expected a text or a list of texts"):
        as_list(inputs)


def test_any_iterable_is_listed() -> None:
    assert as_list(text for text in "ab") == (["a", "b"], False)
    assert as_list(("a", "b"), pairs=False) == (["a", "b"], False)
    assert as_list([], split_words=True) == ([], False)


def test_one_text_one_pair_and_one_text_of_words_are_told_from_several() -> None:
    assert as_list("a") == (["a"], True)
    assert as_list(("a", "b")) == ([("a", "b")], True)
    assert as_list(["a", "b"]) == (["a", "b"], False)
    assert as_list(["a", "b"], split_words=True) == ([["a", "b"]], True)
    assert as_list([["a"], ["b"]], split_words=True) == ([["a"], ["b"]], False)


def test_pairs_are_taken_apart() -> None:
    assert check_texts(["a", ("b", "c")]) == Texts(("a", "b"), (None, "c"))
    words = check_texts([["a", "b"], (["c"], [])], split_words=True)
    assert words == Texts((("a", "b"), ("c",)), (None, ()))
    assert words.map(str.upper).first == (("A", "B"), ("C",))
    assert words.prefixed("to be ").first == (("to", "be", "a", "b"), ("to", "be", "c"))


@pytest.mark.parametrize(
    ("item", "options", "fault"),
    [
        (("a", None), {}, r"text 2 \(second of its pair\) is None"),
        (("a", "b", "c"), {}, "text 2 is a tuple of 3, not of 2 texts"),
        (("a", "b"), {"pairs": False}, "text 2 is tuple .*; expected str without"),
        ("a b", {"split_words": True}, "text 2 is str 'a b', not a list of words"),
        (["a", 1], {"split_words": True}, "text 2 is wrong at word 1: int 1"),
    ],
)
def test_a_bad_input_is_named_by_its_position(item: Any, options: Any, fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}"):
        check_texts([item], 2, **options)
