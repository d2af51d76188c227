"""Every type of Arrow's that Parquet holds, in columns that are kept and in those that are read."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertie.cli.typed_rows import TypedRows
from bertie.errors import InputError
from bertie.jobs.job import Job
from bertie.jobs.run import run

from .conftest import lines, table

INF, AHEAD = float("inf"), "+01:00"
# A type, two values, and what JSON says of them.
TYPES: list[tuple[Any, list[Any], list[Any]]] = [
    (pa.int8(), [1, -128], [1, -128]),
    (pa.int64(), [2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)]),
    (pa.uint64(), [2**64 - 1, 0], [2**64 - 1, 0]),
    (pa.float16(), [1.5, -0.0], [1.5, -0.0]),
    (pa.float32(), [0.5, INF], [0.5, INF]),
    (pa.float64(), [0.1, 1e300], [0.1, 1e300]),
    (pa.decimal32(5, 2), [Decimal("1.10"), Decimal("-0.05")], ["1.10", "-0.05"]),
    (pa.decimal128(38, 2), [Decimal("1.10"), Decimal(10**35)], ["1.10", f"{10**35}.00"]),
    (pa.decimal256(50, 2), [Decimal("1.10"), Decimal("-0.05")], ["1.10", "-0.05"]),
    (pa.bool_(), [True, False], [True, False]),
    (pa.null(), [None, None], [None, None]),
    (pa.date32(), [dt.date(2020, 1, 1), dt.date(1, 1, 1)], ["2020-01-01", "0001-01-01"]),
    (pa.date32(), [2**31 - 1, 0], ["2147483647 days", "1970-01-01"]),
    (pa.timestamp("ms"), [1, 0], ["1970-01-01 00:00:00.001000", "1970-01-01 00:00:00"]),
    (
        pa.timestamp("us", AHEAD),
        [1, 0],
        ["1970-01-01 01:00:00.000001+01:00", "1970-01-01 01:00:00+01:00"],
    ),
    (pa.timestamp("us"), [2**62, 0], [f"{2**62} us", "1970-01-01 00:00:00"]),
    (
        pa.timestamp("ns"),
        [1, 2**63 - 1],
        ["1970-01-01 00:00:00.000000001", "2262-04-11 23:47:16.854775807"],
    ),
    (
        pa.timestamp("ns", AHEAD),
        [-1, 10**9],
        ["1970-01-01 00:59:59.999999999+01:00", "1970-01-01 01:00:01+01:00"],
    ),
    (pa.time32("ms"), [1, 0], ["00:00:00.001000", "00:00:00"]),
    (pa.time64("ns"), [5, 10**9 + 1000], ["00:00:00.000000005", "00:00:01.000001"]),
    (pa.duration("ns"), [1001, 10**9], ["0:00:00.000001001", "0:00:01"]),
    (pa.binary(), [b"\xff", b""], ["/w==", ""]),
    (pa.binary_view(), [b"\xff", b""], ["/w==", ""]),
    (pa.binary(2), [b"ab", b"cd"], ["YWI=", "Y2Q="]),
    (pa.list_(pa.int64()), [[1], []], [[1], []]),
    (pa.large_list(pa.int64()), [[1], []], [[1], []]),
    (pa.list_view(pa.time64("ns")), [[1], []], [["00:00:00.000000001"], []]),
    (pa.list_(pa.float32(), 2), [[0.5, -0.0], [None, INF]], [[0.5, -0.0], [None, INF]]),
    (pa.list_(pa.timestamp("ns"), 1), [[1], [None]], [["1970-01-01 00:00:00.000000001"], [None]]),
    (
        pa.struct([("a.b", pa.int8()), ("c", pa.time64("ns"))]),
        [{"a.b": 1, "c": 1}, {"a.b": None, "c": None}],
        [{"a.b": 1, "c": "00:00:00.000000001"}, {"a.b": None, "c": None}],
    ),
    (pa.map_(pa.string(), pa.int64()), [[("k", 1)], []], [[["k", 1]], []]),
    (
        pa.map_(pa.string(), pa.time64("ns")),
        [[("k", 1)], []],
        [[["k", "00:00:00.000000001"]], []],
    ),
    (pa.dictionary(pa.int8(), pa.int64()), [5, 5], [5, 5]),
]
TEXTS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.large_string()),
]


def given(path: Path, kind: Any, values: list[Any]) -> pa.Table:
    """Write a text and a value, the second row without a text, and a null at the end."""
    texts = ["one", None, *["more"] * (len(values) - 1)]
    if pa.types.is_dictionary(kind):
        array = pa.array([*values[:1], *values], kind.value_type).dictionary_encode()
        array = array.cast(kind)
    else:
        array = pa.array([*values[:1], *values], kind)
    pq.write_table(pa.table({"text": texts, "value": array}), path)
    return pq.read_table(path)


@pytest.mark.parametrize(("kind", "values", "said"), TYPES, ids=lambda one: str(one)[:40])
def test_a_kept_column_is_what_it_was(
    tiny_bert: Path, tmp_path: Path, kind: Any, values: list[Any], said: list[Any]
) -> None:
    path = tmp_path / "in.parquet"
    before = given(path, kind, [*values, None])
    for shard_rows in (1, 100):
        for name in ("out.parquet", "out.jsonl"):
            out = tmp_path / str(shard_rows) / name
            out.parent.mkdir(exist_ok=True)
            job = Job("tokenize", (str(path),), out, str(tiny_bert), shard_rows=shard_rows)
            summary = run(job)
            assert (summary.counts.rows, summary.counts.rejected) == (len(values) + 1, 1)
        after = table(out.with_suffix(".parquet")).column("value")
        assert after.type == before.column("value").type
        expected = pa.concat_tables([before.slice(0, 1), before.slice(2)]).column("value")
        assert after.combine_chunks().equals(expected.combine_chunks())
        found = [line["value"] for line in lines(out)]
        assert str(found) == str([*said, None])


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_texts_of_every_type_are_read(tiny_bert: Path, tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "in.parquet"
    before = given(path, kind, ["a cat", "the sky", "1"])
    for name in ("out.parquet", "out.jsonl"):
        job = Job("tokenize", (str(path),), tmp_path / name, str(tiny_bert), column="value")
        assert run(job).counts.rows == 4
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"value": before.column("value").to_pylist()}), plain)
    run(Job("tokenize", (str(plain),), tmp_path / "same.parquet", str(tiny_bert), column="value"))
    found, expected = (table(tmp_path / name) for name in ("out.parquet", "same.parquet"))
    assert found.column("ids").equals(expected.column("ids"))
    assert found.column("value").type == before.column("value").type
    assert [one["value"] for one in lines(tmp_path / "out.jsonl")] == (
        before.column("value").to_pylist()
    )


@pytest.mark.parametrize(("kind", "values", "said"), TYPES, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("role", ["column", "pair_column"])
def test_what_is_no_text_is_not_read_as_one(
    tiny_bert: Path, tmp_path: Path, kind: Any, values: list[Any], said: list[Any], role: str
) -> None:
    path = tmp_path / "in.parquet"
    given(path, kind, values)
    options: dict[str, Any] = {role: "value"}
    with pytest.raises(InputError, match=r"column 'value' is .*, expected text"):
        run(Job("tokenize", (str(path),), tmp_path / "out.parquet", str(tiny_bert), **options))


def test_a_text_that_is_not_utf8_rejects_its_row(tiny_bert: Path, tmp_path: Path) -> None:
    ends = pa.array([0, 1, 2, 3], pa.int32()).buffers()[1]
    broken = pa.Array.from_buffers(pa.string(), 3, [None, ends, pa.py_buffer(b"a\xffc")])
    pq.write_table(pa.table({"text": ["x", "y", "z"], "other": broken}), tmp_path / "in.parquet")
    for column in ("text", "other"):
        for name in (f"{column}.parquet", f"{column}.jsonl"):
            job = Job(
                "tokenize",
                (str(tmp_path / "in.parquet"),),
                tmp_path / name,
                str(tiny_bert),
                column=column,
            )
            summary = run(job)
            (reject,) = lines(Path(summary.rejects or ""))
            assert (reject["row"], reject["reason"]) == (2, "column 'other' is not UTF-8")
            assert summary.counts.rows == 2


def test_a_name_that_comes_twice_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(twice, tmp_path / "in.parquet")
    with pytest.raises(InputError, match="has column 'text' twice; rename one"):
        run(
            Job(
                "tokenize",
                (str(tmp_path / "in.parquet"),),
                tmp_path / "out.parquet",
                str(tiny_bert),
            )
        )


@pytest.mark.parametrize("keep", [("a",), ("a.b",), ("a", "a.b"), None])
def test_names_with_dots_are_no_paths(
    tiny_bert: Path, tmp_path: Path, keep: tuple[str, ...] | None
) -> None:
    columns = {"a.b": ["x"], "a": [{"b": "y"}], "text.c": ["z"], "text": ["t"], "Text": ["T"]}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    for column in ("text", "a.b"):
        job = Job(
            "tokenize",
            (str(tmp_path / "in.parquet"),),
            tmp_path / f"{column}.jsonl",
            str(tiny_bert),
            column=column,
            keep=keep,
        )
        run(job)
        (found,) = lines(tmp_path / f"{column}.jsonl")
        wanted = {
            name: values[0] for name, values in columns.items() if keep is None or name in keep
        }
        assert {name: found[name] for name in found if name in columns} == wanted


@pytest.mark.parametrize("nested", [False, True])
def test_a_record_that_would_lose_a_field_is_not_written_as_json(
    tiny_bert: Path, tmp_path: Path, nested: bool
) -> None:
    fields = [pa.field("x", pa.int64()), pa.field("x", pa.int64())]
    column = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], fields=fields)
    if nested:
        column = pa.ListArray.from_arrays([0, 1], column)
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["one"], "value": column}), path)
    with pytest.raises(InputError, match="has the field 'x' twice"):
        run(Job("tokenize", (str(path),), tmp_path / "out.jsonl", str(tiny_bert)))
    run(Job("tokenize", (str(path),), tmp_path / "out.parquet", str(tiny_bert)))
    assert table(tmp_path / "out.parquet").column("value").combine_chunks().equals(column)
    with pytest.raises(InputError, match=r"in.parquet: column 'value': .* the field 'x' twice"):
        list(TypedRows([str(path)], "text", None, {}))
