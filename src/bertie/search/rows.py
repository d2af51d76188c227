"""Rows as an index keeps them: the caller's columns, and Bertie's own beside them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.errors import InputError
from bertie.rows.json_lines import is_unicode
from bertie.search.values import ValueMismatch, to_python

# Bertie's own columns: what tells a row from others; a hash of its content; the tokens read of its
# text, and those left out; the vector.
KEY, CONTENT, TOKENS, CUT = "bertie_key", "bertie_content", "bertie_tokens", "bertie_cut"
VECTOR = "bertie_vector"
OWN = (KEY, CONTENT, TOKENS, CUT, VECTOR)
_RESERVED = ("bertie_", "_")  # beginnings of names that are Bertie's, or the store's


@dataclass(frozen=True, slots=True)
class Item:
    """A row to keep: its key, the hash of its content, its fields as they are kept, its number."""

    key: str
    content: str
    fields: Mapping[str, Any]
    number: int


def items(rows: Iterable[Mapping[str, Any]], *, column: str, key: str | None) -> Iterator[Item]:
    """Give each row its key and its hash.

    Args:
        rows: fields by column: texts, numbers, truths, dates, None; lists and mappings are kept as
            JSON.
        column: the one with the text.
        key: the one that tells rows apart; None: their content does, and how often it came.
    Raises: InputError: a row without a text or key, a name that can't be a column's, a key that
        came before; it says which row, counted from 1.
    """
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise InputError(f"row {number} is {shown(row)}, expected a mapping of columns")
        fields = {
            check_name(name, f"row {number}: "): _to_kept(value, name, number)
            for name, value in row.items()
        }
        if not isinstance(fields.get(column), str):
            found = f"{shown(row[column])}" if column in row else f"missing: it has {_columns(row)}"
            raise InputError(f"row {number}: column {column!r} is {found}, expected text")
        content = _hash(fields, number)
        if key is None:
            seen[content] = time = seen.get(content, 0) + 1
            own = content if time == 1 else f"{content}-{time}"
            yield Item(own, content, fields, number)
            continue
        own = key_of(fields.get(key), f"row {number}: the key, column {key!r},", row)
        if own in seen:
            raise InputError(
                f"rows {seen[own]} and {number} have the same {key!r}, {shown(own)}; a key is one "
                "row's alone"
            )
        seen[own] = number
        yield Item(own, content, fields, number)


def key_of(value: Any, where: str = "a key", row: Mapping[str, Any] | None = None) -> str:
    """Give a row's key as the index has it.

    Args:
        value: a text or a whole number.
        where: what the message calls it.
        row: where it comes from, for the message.
    Raises: InputError: it is none.
    """
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        lacks = value is None and row is not None
        found = f"missing: it has {_columns(row or {})}" if lacks else shown(value)
        raise InputError(f"{where} is {found}, expected a text or a number")
    return str(value)


def check_name(name: Any, where: str = "") -> str:
    """Give a column's name back.

    Args:
        where: what the message begins with.
    Raises: InputError: it can't be a column's.
    """
    if not isinstance(name, str) or name in ("", "*") or set(name) & set(".`\0"):
        raise InputError(
            f"{where}a column is called {shown(name)}, expected a name without '.' and '`', and "
            "not '*'; rename it"
        )
    if not is_unicode(name):
        raise InputError(f"{where}a column is called {name!a}, half a surrogate pair; rename it")
    if name.startswith(_RESERVED):
        raise InputError(
            f"{where}a column is called {name!r}, but names that begin with 'bertie_' or '_' are "
            "the index's own; rename it"
        )
    return name


def _to_kept(value: Any, name: str, number: int) -> Any:
    """Turn a value into one of Python's own. Raises: InputError: it can't be kept."""
    try:
        return to_python(value)
    except ValueMismatch as error:
        raise InputError(
            f"row {number}: column {name!r} has {shown(value)} ({error}), expected a text, number,"
            " truth, date, list or mapping, or nothing"
        ) from None


def _hash(fields: Mapping[str, Any], number: int) -> str:
    """Hash a row's fields, whatever order they come in; those that are None don't count."""
    given = {name: value for name, value in fields.items() if value is not None}
    text = json.dumps(given, sort_keys=True, ensure_ascii=False, default=str)
    try:
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    except UnicodeEncodeError:
        raise InputError(f"row {number} holds half a surrogate pair, expected Unicode") from None


def _columns(row: Mapping[str, Any]) -> str:
    """Some columns for a message."""
    return ", ".join(shown(name) for name in list(row)[:20]) or "none"
