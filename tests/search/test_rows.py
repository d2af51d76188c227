"""Rows on their way into an index: keys, hashes, and what is refused."""

from typing import Any

import pytest

from bertie.errors import InputError
from bertie.search.rows import items


def kept(*rows: dict[str, Any], key: str | None = None) -> list[Any]:
    return list(items(rows, column="text", key=key))


def test_a_row_is_known_by_its_key_and_its_content_by_its_hash() -> None:
    first, again = (
        kept({"id": 7, "text": "a"}, key="id")[0],
        kept({"text": "a", "id": 7}, key="id")[0],
    )
    assert first.key == "7"
    assert first.content == again.content
    assert kept({"id": 7, "text": "b"}, key="id")[0].content != first.content
    assert kept({"id": 7, "text": "a", "more": None}, key="id")[0].content == first.content


def test_without_a_key_equal_rows_are_counted() -> None:
    keys = [item.key for item in kept({"text": "a"}, {"text": "a"}, {"text": "b"}, {"text": "a"})]
    assert len(set(keys)) == 4
    assert keys[1] == f"{keys[0]}-2"
    assert keys[3] == f"{keys[0]}-3"


def test_lists_and_mappings_are_kept_as_json() -> None:
    (item,) = kept({"text": "a", "list": [1, "ä"], "map": {"b": None}})
    assert item.fields == {"text": "a", "list": '[1, "ä"]', "map": '{"b": null}'}


@pytest.mark.parametrize(
    ("row", "key", "message"),
    [
        ({"body": "a"}, None, "row 1: column 'text' is missing: it has 'body'"),
        ({"text": None}, None, "row 1: column 'text' is None, expected text"),
        ({"text": 7}, None, "row 1: column 'text' is 7, expected text"),
        ({"text": "a"}, "id", "row 1: the key, column 'id', is missing: it has 'text'"),
        ({"text": "a", "id": ""}, "id", "the key, column 'id', is '', expected a text or a number"),
        ({"text": "a", "id": True}, "id", "the key, column 'id', is True"),
        ({"text": "a", "id": 1.5}, "id", "the key, column 'id', is 1.5"),
        (
            {"text": "a", "_score": 1},
            None,
            "'_score', but names that begin with .* the index's own",
        ),
        ({"text": "a", "bertie_key": 1}, None, "'bertie_key', but names that begin with"),
        ({"text": "a", "b.c": 1}, None, "a column is called 'b.c', expected a name without"),
        ({"text": "a", "": 1}, None, "a column is called ''"),
        ({"text": "a", 5: 1}, None, "a column is called 5"),
        ({"text": "\ud800"}, None, "row 1 holds half a surrogate pair"),
        ("a text", None, "row 1 is 'a text', expected a mapping of columns"),
    ],
)
def test_rows_that_cannot_be_kept_are_refused(row: Any, key: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(items([row], column="text", key=key))
