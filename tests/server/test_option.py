"""An option is declared once, and read alike from every place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError
from bertie.server.option import Option, option, options_of


@dataclass(frozen=True)
class Group:
    """One option of each kind."""

    number: int = option(1, "A number.", minimum=0)
    size: int | None = option(None, "A size.", unit="bytes")
    seconds: float = option(0.5, "A time.", minimum=0)
    flag: bool = option(False, "A flag.")
    word: str = option("a", "A word.", choices=("a", "b"))
    file: Path | None = option(None, "A file.")
    names: tuple[str, ...] = option((), "Names.")


BY_NAME = {one.name: one for one in options_of(Group)}


def test_a_field_says_what_its_flag_and_variable_are() -> None:
    size = BY_NAME["size"]
    assert (size.flag, size.variable) == ("--size", "BERTIE_SIZE")
    assert (size.kind, size.optional, size.multiple) == (int, True, False)
    assert (BY_NAME["names"].kind, BY_NAME["names"].multiple) == (str, True)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "7", 7),
        ("size", "2G", 2 * 10**9),
        ("size", "1.5Mi", 3 * 2**19),
        ("seconds", "2", 2.0),
        ("flag", "Yes", True),
        ("flag", "off", False),
        ("word", "b", "b"),
        ("file", "x/y", Path("x/y")),
        ("names", "a, b,", ("a", "b")),
        ("names", "", ()),
    ],
)
def test_a_text_becomes_the_value(name: str, text: str, value: Any) -> None:
    assert BY_NAME[name].parse(text, "here") == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("number", "-1", "here is -1, expected a whole number, at least 0"),
        ("number", "1k", "here is '1k', expected a whole number"),
        ("size", "2Q", "here is '2Q', expected a whole number of bytes"),
        ("seconds", "nan", "here is nan, expected a number"),
        ("flag", "maybe", "here is 'maybe', expected true or false"),
        ("word", "c", "here is 'c', expected a, b"),
    ],
)
def test_a_text_that_is_no_value_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BY_NAME[name].parse(text, "here")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("number", 3, 3),
        ("seconds", 3, 3.0),
        ("size", None, None),
        ("size", "2k", 2000),
        ("names", ["a"], ("a",)),
        ("file", "x", Path("x")),
    ],
)
def test_a_value_of_a_file_is_taken(name: str, value: Any, found: Any) -> None:
    assert BY_NAME[name].check(value, "here") == found


@pytest.mark.parametrize(
    ("name", "value"),
    [("number", 1.5), ("number", True), ("flag", 1), ("names", "a"), ("names", [1]), ("word", 1)],
)
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    found: Option = BY_NAME[name]
    with pytest.raises(InputError, match="here is"):
        found.check(value, "here")
