"""Conditions on columns: a mapping of what they must be, or an SQL expression."""

import re
from collections.abc import Iterable, Mapping
from reprlib import repr as shown
from typing import Any, TypeAlias

from bertie.errors import InputError

Where: TypeAlias = str | Mapping[str, Any]

# The engine under it takes deep nesting badly: a long chain overflows its stack, parentheses take
# it exponential time. These bounds keep both far away.
_LONGEST = 1000  # characters of an expression
_DEEPEST = 8  # parentheses in one another
_VALUES = 1000  # of a column in a mapping
_TEXT = re.compile(r"'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"")


def condition(where: Where | None, columns: Iterable[str]) -> str | None:
    """Turn a condition into the SQL that the index takes.

    Args:
        where: an SQL expression over columns, such as "year >= 1990 and lang = 'en'"; or what each
            column must be, a value or a list of values, None for an empty one: safe for input from
            anywhere. None is no condition.
        columns: those that there are.
    Raises: InputError: an unknown column in a mapping; an expression too long or too deep.
    """
    if where is None:
        return None
    if isinstance(where, str):
        return _checked(where)
    if not isinstance(where, Mapping):
        raise InputError(f"where is {shown(where)}, expected an SQL expression or a mapping")
    known = list(columns)
    parts = []
    for column, wanted in where.items():
        if column not in known:
            raise InputError(
                f"where: no column {shown(column)}, there are {', '.join(map(repr, known))}"
            )
        values = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        if not 1 <= len(values) <= _VALUES:
            raise InputError(f"where: {column!r} has {len(values)} values, expected 1 to {_VALUES}")
        parts.append(_any_of(column, values))
    return " AND ".join(parts) or None


def literal(value: Any) -> str:
    """Write a value as SQL does. Raises: InputError: of a kind that has no spelling."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (int, float)) and value == value and abs(value) != float("inf"):
        return repr(value)
    raise InputError(f"where: {shown(value)} is no text, number, true, false or null")


def quoted(column: str) -> str:
    """Write a column's name as SQL does."""
    return f"`{column}`"


def _any_of(column: str, values: list[Any]) -> str:
    """The condition that a column is one of some values."""
    name = quoted(column)
    spelled = [literal(value) for value in values if value is not None]
    parts = [f"{name} IN ({', '.join(spelled)})"] if spelled else []
    parts += [f"{name} IS NULL"] if len(spelled) < len(values) else []
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _checked(expression: str) -> str:
    """Refuse an expression that could take the engine down."""
    if not expression.strip():
        raise InputError("where is empty, expected an SQL expression such as \"lang = 'en'\"")
    if len(expression) > _LONGEST:
        raise InputError(
            f"where has {len(expression)} characters, expected at most {_LONGEST}; give a mapping "
            "of columns to lists of values for many of them"
        )
    if "\0" in expression:
        raise InputError("where has a NUL character, expected none")
    depth = deepest = 0
    for mark in _TEXT.sub("", expression):
        depth += (mark in "([{") - (mark in ")]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise InputError(f"where is nested {deepest} deep, expected at most {_DEEPEST}")
    return expression
