"""What a shard becomes on the disk, and one file of all shards."""

import base64
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import IO, Any

from bertie.jobs.arrow import pa, pq
from bertie.jobs.json_columns import is_json
from bertie.jobs.layout import OutputLayout
from bertie.jobs.values import python_values
from bertie.system.disk import atomic_file, write_file
from bertie.tables import Bad


def write_part(layout: OutputLayout, number: int, table: Any) -> int:
    """Write a shard's output. Returns: its bytes. Raises: InputError: the disk refuses it."""
    data = _ENCODERS[layout.format](table)
    write_file(layout.part(number), data)
    return len(data)


def write_rejects(layout: OutputLayout, number: int, file: str, rejects: Sequence[Bad]) -> None:
    """Write a shard's rejected rows, if it has any. Raises: InputError: the disk refuses it."""
    if not rejects:
        layout.rejects_part(number).unlink(missing_ok=True)
        return
    lines = [
        {"file": file, "row": bad.number, "line": bad.line or None, "reason": bad.reason}
        for bad in rejects
    ]
    said = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_file(layout.rejects_part(number), said.encode())


def assemble(layout: OutputLayout, numbers: Iterable[int], columns: Any) -> None:
    """Put the outputs of all shards into the one file, if there is to be one.

    Raises: InputError: the disk refuses it.
    """
    if not layout.one_file:
        return
    with atomic_file(layout.output) as file:
        _JOINERS[layout.format](file, [layout.part(number) for number in numbers], columns)


def assemble_rejects(layout: OutputLayout) -> None:
    """Put all rejected rows into one file; without any there is none."""
    paths = sorted(layout.rejects_directory.glob("*.jsonl"))
    if not paths:
        layout.rejects.unlink(missing_ok=True)
        return
    with atomic_file(layout.rejects) as file:
        _concatenate(file, paths, None)


def _parquet(table: Any) -> bytes:
    """Encode a table as Parquet."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **_parquet_options(table.schema)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _parquet_options(schema: Any) -> dict[str, Any]:
    """How Parquet is written: dictionaries for texts alone, for numbers have nothing to share."""
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return {"use_dictionary": texts or False, "compression": "snappy"}


def _join_parquet(file: IO[bytes], parts: Sequence[Any], columns: Any) -> None:
    """Write the tables of several files into one, a row group a shard."""
    with pq.ParquetWriter(file, columns, **_parquet_options(columns)) as writer:
        for part in parts:
            with pq.ParquetFile(part) as opened:
                writer.write_table(opened.read())


def _jsonl(table: Any) -> bytes:
    """Encode a table as JSON lines; vectors' numbers are exact to their last bit."""
    names = [json.dumps(name, ensure_ascii=False) for name in table.column_names]
    columns = [
        map(_encoder(field), python_values(column))
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    lines = []
    for values in zip(*columns, strict=True):
        pairs = zip(names, values, strict=True)
        lines.append("{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}\n")
    return "".join(lines).encode()


def _encoder(field: Any) -> Callable[[Any], str]:
    """Make what writes a column's values as JSON."""
    if is_json(field):
        return lambda value: "null" if value is None else value
    kind = field.type
    if pa.types.is_fixed_size_list(kind) and kind.value_type == pa.float32():
        return _vector
    return lambda value: json.dumps(value, ensure_ascii=False, default=_json_default)


def _vector(values: Sequence[float | None] | None) -> str:
    """Write float32 numbers in nine digits, which tell each from all others."""
    if values is None:
        return "null"
    if all(map(_is_finite, values)):
        text = f"[{', '.join(map('{:.9g}'.format, values))}]"
        # "-0" would be read as a whole number, which has no sign.
        return text.replace("-0,", "-0.0,").replace("-0]", "-0.0]")
    return json.dumps(values)


def _is_finite(value: float | None) -> bool:
    """Whether a number can be written in digits."""
    return value is not None and isfinite(value)


def _json_default(value: Any) -> str:
    """Write what JSON has no form for: bytes in base64, dates and the like as they print."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _concatenate(file: IO[bytes], parts: Sequence[Any], _: Any) -> None:
    """Write several files one after another."""
    for part in parts:
        with part.open("rb") as opened:
            shutil.copyfileobj(opened, file, 1 << 20)


_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {"parquet": _parquet, "jsonl": _jsonl}
_JOINERS: Mapping[str, Callable[[IO[bytes], Sequence[Any], Any], None]] = {
    "parquet": _join_parquet,
    "jsonl": _concatenate,
}
