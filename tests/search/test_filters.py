"""Conditions: mappings are safe whatever is in them, expressions are bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.search.filters import condition

COLUMNS = ["text", "lang", "with space"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, None),
        ({}, None),
        ("lang = 'en'", "lang = 'en'"),
        ({"lang": "en"}, "`lang` IN ('en')"),
        ({"lang": "it's"}, "`lang` IN ('it''s')"),
        ({"lang": ["en", 2, 0.5, True]}, "`lang` IN ('en', 2, 0.5, true)"),
        ({"lang": None}, "`lang` IS NULL"),
        ({"lang": ["en", None]}, "(`lang` IN ('en') OR `lang` IS NULL)"),
        ({"lang": "en", "with space": 1}, "`lang` IN ('en') AND `with space` IN (1)"),
    ],
)
def test_conditions_are_spelled_in_sql(where: object, expected: str | None) -> None:
    assert condition(where, COLUMNS) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", "where is empty"),
        (" ", "where is empty"),
        ("1" * 1001, "where has 1001 characters, expected at most 1000"),
        ("NOT(" * 9 + "1 = 1" + ")" * 9, "where is nested 9 deep, expected at most 8"),
        ("lang = 'a\0'", "NUL"),
        (7, "where is 7, expected an SQL expression or a mapping"),
        ({"nosuch": 1}, "where: no column 'nosuch', there are 'text', 'lang', 'with space'"),
        ({"lang": []}, "'lang' has 0 values, expected 1 to 1000"),
        ({"lang": ["a"] * 1001}, "'lang' has 1001 values"),
        ({"lang": {"a": 1}}, "is no text, number, true, false or null"),
        ({"lang": float("nan")}, "nan is no text"),
        ({"lang": float("inf")}, "inf is no text"),
    ],
)
def test_conditions_that_cannot_be_are_refused(where: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        condition(where, COLUMNS)  # type: ignore[arg-type]


def test_parentheses_within_texts_are_no_nesting() -> None:
    expression = f"lang = '{'(' * 50}' or `with space` = \"{'[' * 50}\""
    assert condition(expression, COLUMNS) == expression


@given(st.text())
def test_a_text_never_leaves_its_quotes(text: str) -> None:
    sql = condition({"lang": text}, COLUMNS)
    assert sql is not None
    inside = sql.removeprefix("`lang` IN ('").removesuffix("')")
    assert inside.replace("''", "").count("'") == 0
    assert inside.replace("''", "'") == text
