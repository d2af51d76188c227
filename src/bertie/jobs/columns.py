"""The columns of a job: those of the input, as Arrow has them, and those that the task adds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.chunk import Chunk
from bertie.jobs.job import Job
from bertie.jobs.json_columns import is_json
from bertie.rows.json_lines import is_exact, is_json_line, is_unicode
from bertie.tables import Bad

# What a column of a type takes; a whole number is itself in float64 too, where that has it.
_TAKES: Mapping[Any, tuple[type, ...]] = {
    pa.bool_(): (bool,),
    pa.int64(): (int,),
    pa.float64(): (float, int),
    pa.string(): (str,),
}


def input_columns(job: Job, columns: Any, name: str) -> Any:
    """Settle the columns of the input, kept or read.

    Args:
        columns: a schema, or names of columns of text; None where there is nothing.
        name: what messages call the input.
    Returns: a schema.
    Raises: InputError: a column is missing, or the text isn't text.
    """
    if columns is None:
        raise InputError(f"{name} is empty, expected rows; those of CSV and TSV have a header")
    schema = columns
    if not isinstance(columns, pa.Schema):
        schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    for index, column in enumerate(schema.names):
        if column in schema.names[:index]:
            raise InputError(f"{name} has column {column!r} twice; rename one")
    for column in (job.column, job.pair_column):
        if column is not None and column in schema.names:
            kind = schema.field(column).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
            if not any(is_text(kind) for is_text in texts):
                raise InputError(f"{name}: column {column!r} is {kind}, expected text")
    for column in (job.column, job.pair_column, *(job.keep or ())):
        if column is not None and column not in schema.names:
            has = ", ".join(map(repr, schema.names))
            raise InputError(f"{name}: no column {column!r}, it has {has}")
    return schema


def output_columns(job: Job, schema: Any, added: Sequence[Any]) -> Any:
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


def as_table(job: Job, schema: Any, chunk: Chunk) -> tuple[Any, Chunk]:
    """Make an Arrow table of rows.

    Args:
        schema: the input's.
    Returns: the table, and the chunk without the rows that don't fit, which are bad ones then.
    """
    if isinstance(chunk.rows, pa.Table):
        table, bad = chunk.rows, unreadable_rows(chunk.rows)
    else:
        names = schema.names if job.keep is None else _wanted(job, schema)
        bad = dict(_unknown_keys(chunk, schema) if job.keep is None else ())
        arrays = [_array(chunk.rows, schema.field(name), bad) for name in names]
        fields = [schema.field(name) for name in names]
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    if bad:
        good = [index for index in range(table.num_rows) if index not in bad]
        table = select_rows(table, good)
        rejected = [Bad(*chunk.numbers[index], bad[index]) for index in sorted(bad)]
        numbers = [chunk.numbers[index] for index in good]
        chunk = Chunk(table, numbers, [*chunk.bad, *rejected])
    return table, chunk


def unreadable_rows(table: Any) -> dict[int, str]:
    """Say which rows hold what their column can't: a text not UTF-8, JSON that is none."""
    errors: dict[int, str] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if _value_error(column) is not None:
            for row in range(table.num_rows):
                if (error := _value_error(column.slice(row, 1))) is not None:
                    errors.setdefault(row, f"column {field.name!r} {error}")
        elif is_json(field):  # it is written out as it stands
            for row, text in enumerate(column.to_pylist()):
                if text is not None and not is_json_line(text):
                    errors.setdefault(row, f"column {field.name!r} isn't one line of JSON")
    return errors


def _value_error(column: Any) -> str | None:
    """Say what is wrong with values, if anything is."""
    try:
        column.validate(full=True)
    except pa.ArrowException as error:
        return "is not UTF-8" if "UTF8" in str(error) else f"can't be read: {error}"
    return None


def select_rows(table: Any, indexes: Sequence[int]) -> Any:
    """Select rows, given in their order, by slices: Arrow's take doesn't know every type."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][1] == index:
            runs[-1][1] += 1
        else:
            runs.append([index, index + 1])
    return pa.concat_tables([table.slice(first, end - first) for first, end in runs or [[0, 0]]])


def _wanted(job: Job, schema: Any) -> list[str]:
    """Name the columns that are kept or read, in the input's order."""
    wanted = {*(job.keep or ()), job.column, job.pair_column}
    return [name for name in schema.names if name in wanted]


def _unknown_keys(chunk: Chunk, schema: Any) -> list[tuple[int, str]]:
    """Find rows with keys that can't be columns."""
    known = set(schema.names)
    return [
        (index, f"key {min(fields.keys() - known)!r} holds half a surrogate pair")
        for index, fields in enumerate(chunk.rows)
        if not fields.keys() <= known
    ]


def _array(rows: Sequence[Mapping[str, Any]], field: Any, bad: dict[int, str]) -> Any:
    """Make an array of one column; values that don't fit are null, and their rows bad."""
    values = [fields.get(field.name) for fields in rows]
    takes = _TAKES[field.type]
    if is_json(field):
        values = [_text(value) for value in values]
    elif not {*map(type, values)} <= {takes[0], type(None)}:
        for index, value in enumerate(values):
            if value is not None and (error := _type_error(value, field)) is not None:
                bad.setdefault(index, error)
                values[index] = None
        values = [None if value is None else takes[0](value) for value in values]
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:
        for index, value in enumerate(values):
            if value is not None and not is_unicode(value):
                bad.setdefault(index, f"column {field.name!r} holds half a surrogate pair")
                values[index] = None
    return pa.array(values, field.type)


def _type_error(value: Any, field: Any) -> str | None:
    """Say why a value doesn't fit its column, if it doesn't."""
    fits = type(value) in _TAKES[field.type]
    if fits and not (field.type == pa.float64() and type(value) is int and not is_exact(value)):
        return None
    shown = json.dumps(value)
    shown = shown if len(shown) <= 40 else shown[:39] + "…"
    expected = "text" if field.type == pa.string() else str(field.type)
    return f"column {field.name!r} is {shown}, expected {expected}"


def _text(value: Any) -> str | None:
    """Write a JSON value."""
    return None if value is None else json.dumps(value, ensure_ascii=False)
