"""Arrow's values as Python has them, to the last digit; the times that it hasn't as texts."""

from datetime import timedelta
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa

_UNKNOWN = (OverflowError, ValueError, pa.ArrowException)


def python_values(column: Any) -> list[Any]:
    """Give a column's values: dates, times and durations as they print, if it has any nanoseconds
    or any beyond Python's years; one that can't print is a number and its unit, from 1970 on.

    PyArrow would drop the nanoseconds of a time, and takes pandas for those of a date, or raises.

    Raises: InputError: a record has two fields of one name.
    """
    if (twice := _named_twice(column.type)) is not None:
        raise InputError(
            f"a {column.type} has the field {twice!r} twice, of which one would be lost; rename"
            " one, or leave the column out"
        )
    if not _has_nanoseconds(column.type):
        try:
            return list(column.to_pylist())
        except _UNKNOWN:
            pass
    return [_value(scalar) for scalar in column]


def _has_nanoseconds(kind: Any) -> bool:
    """Whether a type holds times that Python's types can't."""
    if pa.types.is_temporal(kind):
        return getattr(kind, "unit", None) == "ns"
    if pa.types.is_dictionary(kind):
        return _has_nanoseconds(kind.value_type)
    return any(_has_nanoseconds(kind.field(index).type) for index in range(kind.num_fields))


def _named_twice(kind: Any) -> str | None:
    """Find a name that two fields of a record have, at any depth."""
    fields = [kind.field(index) for index in range(kind.num_fields)]
    names = [field.name for field in fields] if pa.types.is_struct(kind) else []
    for index, name in enumerate(names):
        if name in names[:index]:
            return str(name)
    inner = [field.type for field in fields]
    if pa.types.is_dictionary(kind):
        inner = [kind.value_type]
    return next(filter(None, map(_named_twice, inner)), None)


def _value(scalar: Any) -> Any:
    """Give one value, and what it is made of."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return _value(scalar.value)
    if pa.types.is_map(kind):
        return [tuple(_value(part) for part in pair.values()) for pair in scalar.values]
    if pa.types.is_struct(kind):
        return {kind.field(n).name: _value(scalar[n]) for n in range(kind.num_fields)}
    if isinstance(scalar, (pa.ListScalar, pa.FixedSizeListScalar, pa.ListViewScalar)):
        return None if scalar.values is None else [_value(part) for part in scalar.values]
    return _time(scalar) if pa.types.is_temporal(kind) else scalar.as_py()


def in_microseconds(kind: Any) -> Any:
    """Give the type of like times as Python's types hold them.

    Args:
        kind: of timestamps, times of day or durations in nanoseconds.
    """
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return pa.time64("us") if pa.types.is_time64(kind) else pa.duration("us")


def _time(scalar: Any) -> str:
    """Print a date, a time or a duration as Python would, with nanoseconds where there are any."""
    kind, whole, rest = scalar.type, scalar, 0
    if getattr(kind, "unit", None) == "ns":
        microseconds, rest = divmod(scalar.value, 1000)
        whole = pa.scalar(microseconds, in_microseconds(kind))
    try:
        value = whole.as_py()
    except _UNKNOWN:
        unit = "days" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms")
        return f"{scalar.value} {unit}"
    text = str(value)
    if not rest:
        return text
    if isinstance(value, timedelta):
        point = "" if value.microseconds else ".000000"
        return f"{text}{point}{rest:03}"
    text = value.isoformat(*([" "] if hasattr(value, "year") else []), timespec="microseconds")
    end = text.index(".") + 7
    return f"{text[:end]}{rest:03}{text[end:]}"
