"""Bad texts are found before anything is computed, each by its position."""

from typing import Any

import pytest

from bertie.errors import InputError
from bertie.tasks.texts import check_texts, listed


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
        check_texts(["good", "also good", text], first=5)


def test_many_bad_texts_are_counted() -> None:
    with pytest.raises(InputError, match="text 4 is None; and 3 more; expected str"):
        check_texts([None] * 8)


def test_good_texts_pass() -> None:
    check_texts(["", " ", "plain", "naïve", "水", "👍🏽"])


@pytest.mark.parametrize("inputs", [None, 3, b"bytes", {"a": "b"}])
def test_inputs_that_hold_no_texts_are_refused(inputs: Any) -> None:
    with pytest.raises(InputError, match=r"inputs is .*, expected a text or a list of texts"):
        listed(inputs)


def test_any_iterable_is_listed() -> None:
    assert listed(text for text in "ab") == ["a", "b"]
    assert listed(("a", "b")) == ["a", "b"]
