"""What a column of an index takes: types are compared before anything is converted."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.rows.json_lines import is_exact, is_unicode

# Python's own types that are kept as they are.
_OWN = frozenset({bool, int, float, str, bytes, date, datetime, time, timedelta, Decimal})
_SUBCLASSES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, "".join),
)
# The columns of these types take every value that is of their Python type.
_WHOLE = ("bool", "string", "large_string", "binary", "date32[day]", "time64[us]", "duration[us]")
_DEEPEST = 100  # lists and mappings in one another
_DIGITS = 38  # of a decimal number
_INT64 = 1 << 63


class ValueMismatch(ValueError):
    """A value isn't one that a column takes; the message says why, if it isn't plain to see."""


def to_python(value: Any) -> Any:
    """Turn a caller's value into one of Python's own types; what has parts becomes JSON.

    Raises: ValueMismatch: it can't be kept, or not to the last digit.
    """
    if value is None or type(value) in _OWN:
        return value
    if isinstance(value, np.generic):
        return _from_numpy(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return to_python(value[()])
    if isinstance(value, (list, tuple, Mapping, np.ndarray)):
        return json.dumps(_to_json(value), ensure_ascii=False)
    if isinstance(value, datetime):
        return _from_pandas(value)
    for kind, own in _SUBCLASSES:
        if isinstance(value, kind):
            return own(value)
    raise ValueMismatch(f"a {type(value).__name__}")


def category(value: Any) -> Any:
    """Say what a column may ask of a value of to_python's: values of one category fit alike."""
    kind = type(value)
    if kind is int:
        return kind, -_INT64 <= value < _INT64, is_exact(value)
    if kind is Decimal:
        return kind, value.as_tuple().exponent, len(value.as_tuple().digits)
    if kind in (datetime, time):
        return kind, value.utcoffset() is None
    return kind


def type_of(values: Iterable[Any]) -> Any:
    """Give the Arrow type of a new column by its first values; None where all of them are None.

    Args:
        values: of to_python's.
    """
    import pyarrow as pa

    given = [value for value in values if value is not None]
    if not given:
        return None
    kinds = {*map(type, given)}
    if kinds == {int, float}:
        return pa.float64()
    if kinds == {Decimal}:
        exponents = [value.as_tuple().exponent for value in given if value.is_finite()]
        return pa.decimal128(_DIGITS, min(_DIGITS, max([0, *(-one for one in exponents)])))
    first = given[0]
    if isinstance(first, datetime):
        return pa.timestamp("us", None if first.utcoffset() is None else "UTC")
    types = {
        bool: pa.bool_,
        int: pa.int64,
        float: pa.float64,
        str: pa.string,
        bytes: pa.binary,
        date: pa.date32,
        time: lambda: pa.time64("us"),
        timedelta: lambda: pa.duration("us"),
        Decimal: lambda: pa.decimal128(_DIGITS, 0),
    }
    return types[type(first)]()


def column_converter(kind: Any) -> Callable[[Any], Any]:
    """Make what gives a value as a column of an Arrow type keeps it.

    The type must be the column's: a truth is no number, a date no time. A whole number is itself
    in a column of floats too, where float64 has it. None fits any.

    Raises (what is made): ValueMismatch.
    """
    import pyarrow as pa

    python = _python_types(pa.types, kind)
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    whole = str(kind) in _WHOLE or (pa.types.is_timestamp(kind) and kind.unit == "us")

    def convert(value: Any) -> Any:
        if value is None:
            return None
        if type(value) not in python:
            raise ValueMismatch
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueMismatch
        if isinstance(value, str) and not is_unicode(value):
            raise ValueMismatch("half a surrogate pair")
        if isinstance(value, (datetime, time)) and (value.utcoffset() is not None) != zoned:
            raise ValueMismatch(f"{'without' if zoned else 'with'} a time zone")
        if pa.types.is_floating(kind) and type(value) is int:
            if not is_exact(value):
                raise ValueMismatch("too long for a float")
            value = float(value)
        if not whole:
            try:
                kept = pa.scalar(value, kind).as_py()
            except (pa.ArrowException, OverflowError, ValueError):
                raise ValueMismatch from None
            if kept != value and (kept == kept or value == value):
                raise ValueMismatch
        return value

    return convert


def mismatch(where: str, value: Any, kind: Any, error: ValueMismatch) -> str:
    """Say which value a column doesn't take. Args: where: what the message begins with."""
    why = f" ({error})" if str(error) else ""
    expected = "text" if str(kind) == "string" else kind
    return f"{where} has {shown(value)}{why}, expected {expected}, or nothing"


def _python_types(types: Any, kind: Any) -> tuple[type, ...]:
    """The types of the values that a column takes."""
    if types.is_boolean(kind):
        return (bool,)
    if types.is_integer(kind):
        return (int,)
    if types.is_floating(kind):
        return (float, int)
    if types.is_decimal(kind):
        return (Decimal,)
    if types.is_string(kind) or types.is_large_string(kind):
        return (str,)
    if types.is_binary(kind):
        return (bytes,)
    if types.is_date(kind):
        return (date,)
    if types.is_timestamp(kind):
        return (datetime,)
    if types.is_time(kind):
        return (time,)
    return (timedelta,) if types.is_duration(kind) else ()


def _from_numpy(value: Any) -> Any:
    """A scalar of NumPy's as Python's. Raises: ValueMismatch: Python has none like it."""
    if isinstance(value, (np.datetime64, np.timedelta64)):
        # Python counts microseconds; item() gives a bare number for what is finer.
        name = "datetime64" if isinstance(value, np.datetime64) else "timedelta64"
        unit = np.datetime_data(value.dtype)[0]
        coarse = value if unit not in ("ns", "ps", "fs", "as") else value.astype(f"{name}[us]")
        found = coarse.item()
        if coarse != value or isinstance(found, int) or found is None:
            raise ValueMismatch("finer than microseconds, or no time at all")
        return found
    if isinstance(value, np.longdouble):
        found = float(value)
        if found != value and value == value:
            raise ValueMismatch("too long for a float")
        return found
    found = value.item()
    if type(found) not in _OWN:
        raise ValueMismatch(f"a {type(value).__name__}")
    return found


def _from_pandas(value: Any) -> datetime:
    """A time of pandas', or of another subclass, as Python's.

    Raises: ValueMismatch: it has nanoseconds, or is no time at all.
    """
    if value != value or getattr(value, "nanosecond", 0):
        raise ValueMismatch("finer than microseconds, or no time at all")
    return datetime.combine(value.date(), value.time(), value.tzinfo).replace(fold=value.fold)


def _to_json(value: Any, depth: int = 0) -> Any:
    """What has parts, as JSON knows it. Raises: ValueMismatch: it can't be JSON."""
    if depth > _DEEPEST:
        raise ValueMismatch(f"more than {_DEEPEST} lists and mappings in one another")
    if isinstance(value, Mapping):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            raise ValueMismatch(f"a mapping with the key {shown(strange[0])}, which is no text")
        return {key: _to_json(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return [_to_json(part, depth + 1) for part in value]
    found = to_python(value)
    if isinstance(found, bytes):
        return b64encode(found).decode()
    return found if found is None or isinstance(found, (bool, int, float, str)) else str(found)
