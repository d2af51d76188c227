"""Conditions on columns: a mapping of what they must be, or an SQL expression."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from reprlib import repr as shown
from typing import Any, TypeAlias

from bertie.errors import InputError
from bertie.search.values import ValueMismatch, column_converter, mismatch, to_python

Where: TypeAlias = str | Mapping[str, Any]

# The engine under it takes deep nesting badly: a long chain overflows its stack, parentheses take
# it exponential time. These bounds keep both far away.
_LONGEST = 1000  # characters of an expression
_DEEPEST = 8  # parentheses in one another
_VALUES = 1000  # of a column in a mapping
_TEXT = re.compile(r"'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"")


def condition(
    where: Where | None, columns: Iterable[str], types: Mapping[str, Any] | None = None
) -> str | None:
    """Turn a condition into the SQL that the index takes.

    Args:
        where: an SQL expression over columns, such as "year >= 1990 and lang = 'en'"; or what each
            column must be, a value or a list of values, None for an empty one: safe for input from
            anywhere. None is no condition.
        columns: those that there are.
        types: their Arrow types, which values in a mapping must have.
    Raises: InputError: an unknown column in a mapping, or a value that its column can't have; an
        expression too long or too deep.
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
        kind = None if types is None else types[column]
        parts.append(_any_of(column, values, kind))
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


def _any_of(column: str, values: list[Any], kind: Any) -> str:
    """The condition that a column is one of some values."""
    name = quoted(column)
    given = [value for value in values if value is not None]
    spelled = [literal(value) if kind is None else _typed(value, kind, column) for value in given]
    parts = [f"{name} IN ({', '.join(spelled)})"] if spelled else []
    parts += [f"{name} IS NULL"] if len(spelled) < len(values) else []
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _typed(value: Any, kind: Any, column: str) -> str:
    """Write a value as a column of a type has it.

    Times may come as ISO 8601, as JSON has them.

    Raises: InputError: the column can't have it.
    """
    try:
        own = to_python(value)
        own = column_converter(kind)(_read(own, kind) if isinstance(own, str) else own)
        if isinstance(own, int) and own == -(1 << 63):  # no literal, for the minus comes after
            return f"CAST('{own}' AS BIGINT)"
        if isinstance(own, datetime):
            if own.utcoffset() is not None:
                own = own.astimezone(UTC).replace(tzinfo=None)
            return f"timestamp '{own.isoformat(' ')}'"
        if isinstance(own, date):
            return f"date '{own.isoformat()}'"
        if isinstance(own, Decimal):
            return f"CAST('{own:f}' AS DECIMAL({kind.precision}, {kind.scale}))"
        return literal(own)
    except ValueMismatch as error:
        raise InputError(mismatch(f"where: column {column!r}", value, kind, error)) from None


def _read(text: str, kind: Any) -> Any:
    """Read a text as what a column of times or decimal numbers has.

    Raises: ValueMismatch: it is none.
    """
    readers: Mapping[str, Callable[[str], Any]] = {
        "timestamp": datetime.fromisoformat,
        "date32": date.fromisoformat,
        "decimal128": Decimal,
    }
    read = readers.get(str(kind).split("[")[0].split("(")[0])
    if read is None:
        return text
    try:
        return read(text)
    except (ValueError, ArithmeticError):
        raise ValueMismatch from None


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
