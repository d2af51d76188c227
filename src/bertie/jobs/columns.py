"""The columns of a job: those of the input, as Arrow has them, and those that the task adds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.content import Content
from bertie.jobs.job import Job
from bertie.tables import Bad

# Marks a column of JSON values that no one Arrow type fits; it holds their text.
JSON = {b"bertie": b"json"}
_SCALARS: Mapping[type, Any] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}
_INT64 = 1 << 63


def is_json(field: Any) -> bool:
    """Whether a column holds the text of JSON values."""
    return bool(field.metadata == JSON)


def input_columns(job: Job, columns: Any, content: Content | None, name: str) -> Any:
    """Settle the columns of the input, kept or read.

    Args:
        columns: a schema, names, or None for JSONL, whose first rows decide.
        content: the first shard; None where there is no row at all.
        name: what messages call the input.
    Returns: a schema.
    Raises: InputError: a column is missing, or the text isn't text.
    """
    if isinstance(columns, pa.Schema):
        schema = columns
    elif columns is not None:
        schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    else:
        schema = _from_json(content, name)
    for column in (job.column, job.pair_column):
        if column is not None and column in schema.names:
            kind = schema.field(column).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise InputError(f"{name}: column {column!r} is {kind}, expected text")
    for column in (job.column, job.pair_column, *(job.keep or ())):
        if column is not None and column not in schema.names:
            has = ", ".join(map(repr, schema.names))
            raise InputError(f"{name}: no column {column!r}, it has {has}")
    return schema


def kept_columns(job: Job, schema: Any, added: Sequence[Any]) -> Any:
    """Give the columns of the output.

    Args:
        schema: the input's.
        added: the fields that the task adds.
    Raises: InputError: two have the same name.
    """
    kept = [field for field in schema if job.keep is None or field.name in job.keep]
    for field in added:
        if field.name in {one.name for one in kept}:
            raise InputError(
                f"a column is called {field.name!r} already; rename it, or leave it out by --keep"
            )
    return pa.schema([*kept, *added])


def as_table(job: Job, schema: Any, content: Content) -> tuple[Any, Content]:
    """Make an Arrow table of rows.

    Args:
        schema: the input's.
    Returns: the table, and the content without the rows that don't fit, which are bad ones then.
    """
    if isinstance(content.rows, pa.Table):
        return content.rows, content
    names = schema.names if job.keep is None else _wanted(job, schema)
    bad = dict(_strangers(content, schema) if job.keep is None else ())
    arrays = [_array(content.rows, schema.field(name), bad) for name in names]
    table = pa.Table.from_arrays(arrays, schema=pa.schema([schema.field(name) for name in names]))
    if bad:
        good = [index for index in range(len(content.rows)) if index not in bad]
        table = table.take(pa.array(good, pa.int64()))
        rejected = [Bad(*content.numbers[index], bad[index]) for index in sorted(bad)]
        numbers = [content.numbers[index] for index in good]
        content = Content(table, numbers, [*content.bad, *rejected])
    return table, content


def _wanted(job: Job, schema: Any) -> list[str]:
    """Name the columns that are kept or read, in the input's order."""
    wanted = {*(job.keep or ()), job.column, job.pair_column}
    return [name for name in schema.names if name in wanted]


def _strangers(content: Content, schema: Any) -> list[tuple[int, str]]:
    """Find rows with keys that the first rows didn't have."""
    known = set(schema.names)
    return [
        (
            index,
            f"key {min(map(str, fields.keys() - known))!r} isn't among the columns of the first"
            f" rows ({', '.join(map(repr, schema.names))}); choose columns by --keep",
        )
        for index, fields in enumerate(content.rows)
        if not fields.keys() <= known
    ]


def _array(rows: Sequence[Mapping[str, Any]], field: Any, bad: dict[int, str]) -> Any:
    """Make an array of one column; values that don't fit are null, and their rows bad."""
    values = [fields.get(field.name) for fields in rows]
    if is_json(field):
        values = [_text(value) for value in values]
    try:
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError):
        pass
    for index, value in enumerate(values):
        if (fault := _misfit(value, field)) is not None:
            bad.setdefault(index, fault)
            values[index] = None
    return pa.array(values, field.type)


def _misfit(value: Any, field: Any) -> str | None:
    """Say why a value doesn't fit its column, if it doesn't."""
    try:
        pa.array([value], field.type)
    except UnicodeEncodeError:
        return f"column {field.name!r} holds half a surrogate pair"
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        shown = json.dumps(value)
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        return (
            f"column {field.name!r} is {shown}, expected {field.type} as in the first rows; leave"
            " the column out by --keep, or let it be text everywhere"
        )
    return None


def _text(value: Any) -> str | None:
    """Write a JSON value."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _from_json(content: Content | None, name: str) -> Any:
    """Settle columns by the first rows of JSONL."""
    if content is None:
        raise InputError(f"{name} is empty, expected rows; those of CSV and TSV have a header")
    if not content.rows:
        raise InputError(
            f"{name}: none of the first {len(content.bad)} rows can be read; the first of them,"
            f" row {content.bad[0].number} (line {content.bad[0].line}): {content.bad[0].reason}"
        )
    values: dict[str, list[Any]] = {}
    for fields in content.rows:
        for key, value in fields.items():
            values.setdefault(key, []).append(value)
    return pa.schema([_typed(key, several) for key, several in values.items()])


def _typed(name: str, values: Sequence[Any]) -> Any:
    """Settle the type of a column by its values; null fits any."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        kinds = {float}
    kind = _SCALARS.get(next(iter(kinds))) if len(kinds) == 1 else None
    large = kind == pa.int64() and any(
        value is not None and not -_INT64 <= value < _INT64 for value in values
    )
    if kind is None or large:
        return pa.field(name, pa.string(), metadata=JSON)
    return pa.field(name, kind)
