"""What a column of JSONL holds comes out as it went in, or its row is rejected, in any shards."""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.jobs.job import Job
from bertie.jobs.run import How, run

from .conftest import lines, table

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**63 - 1, 2**63, 2**64, -0.0, 1e308])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.sampled_from(["1", "true", "null", '"', "\ud800"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
# Few kinds in a column are likelier to meet than any.
COLUMNS = st.sampled_from([SCALARS, VALUES, st.integers(-9, 9) | st.floats(-9, 9), st.booleans()])
ROWS = COLUMNS.flatmap(
    lambda values: st.lists(st.dictionaries(st.sampled_from("abc"), values), min_size=1, max_size=6)
)


def ran(model: Path, data: str, shard_rows: int, output: str, **more: Any) -> tuple[Any, Any, Any]:
    """Run a job that needs no weights. Returns: its schema, its rows, and what was rejected."""
    with TemporaryDirectory() as directory:
        stream = None
        path = Path(directory) / "rows.jsonl"
        if more.pop("piped", False):
            stream, given, more["input_format"] = io.BytesIO(data.encode()), "-", "jsonl"
        else:
            path.write_text(data, encoding="utf-8")
            given = str(path)
        out = Path(directory) / output
        job = Job("tokenize", (given,), out, str(model), shard_rows=shard_rows, **more)
        summary = run(job, How(stream=stream))
        rejects = lines(Path(summary.rejects)) if summary.rejects else []
        reasons = {one["row"]: one["reason"] for one in rejects}
        if out.suffix == ".jsonl":
            return None, lines(out), reasons
        found = table(out)
        return found.schema, found.to_pylist(), reasons


def written(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def exact(value: Any) -> str:
    """A value to compare: true is no 1, and 1 is no 1.0."""
    return json.dumps(value, sort_keys=True)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, shard_rows=st.integers(1, 4))
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_any_value_comes_out_as_it_went_in_or_its_row_is_rejected(
    tiny_bert: Path, suffix: str, rows: list[Any], shard_rows: int
) -> None:
    given = [{"text": "a", **row} for row in rows]
    found = ran(tiny_bert, written(given), shard_rows, f"out.{suffix}")
    assert found == ran(tiny_bert, written(given), 100, f"out.{suffix}")
    schema, out, rejected = found
    kept = [row for number, row in enumerate(given, start=1) if number not in rejected]
    assert len(out) == len(kept)
    for before, after in zip(kept, out, strict=True):
        assert {*before} <= {*after}
        for name in {*after} - {"ids", "truncated"}:
            value = after[name]
            if schema is not None and schema.field(name).metadata and value is not None:
                value = json.loads(value)
            if schema is not None and str(schema.field(name).type) == "double":
                assert value == before.get(name)
                assert type(before.get(name)) is not bool
            else:
                assert exact(value) == exact(before.get(name))
    for number in rejected:
        assert "\\ud800" in exact(given[number - 1])


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, 9.99, 0.5], "double", [1.0, 2.0, 9.99, 0.5]),
        ([1.5, 2, True], "JSON", ["1.5", "2", "true"]),
        ([None, None, "text"], "string", [None, None, "text"]),
        ([1, None, "three"], "JSON", ["1", None, '"three"']),
        ([1, 2**63], "JSON", ["1", str(2**63)]),
        ([0.5, 2**53 + 1], "JSON", ["0.5", str(2**53 + 1)]),
        ([0.5, 10**400], "JSON", ["0.5", str(10**400)]),
        ([None, None], "JSON", [None, None]),
        ([[1, 2.5], {"b": None}], "JSON", ["[1, 2.5]", '{"b": null}']),
        ([True, False], "bool", [True, False]),
        ([-(2**63), 2**63 - 1], "int64", [-(2**63), 2**63 - 1]),
    ],
)
@pytest.mark.parametrize("shard_rows", [1, 2, 100])
@pytest.mark.parametrize("piped", [False, True])
def test_all_rows_settle_a_columns_type(
    tiny_bert: Path, values: list[Any], kind: str, expected: list[Any], shard_rows: int, piped: bool
) -> None:
    data = written([{"text": "a", "value": value} for value in values])
    schema, out, rejected = ran(tiny_bert, data, shard_rows, "out.parquet", piped=piped)
    field = schema.field("value")
    assert ("JSON" if field.metadata else str(field.type)) == kind
    assert exact([row["value"] for row in out]) == exact(expected)
    assert rejected == {}


@pytest.mark.parametrize("shard_rows", [1, 100])
@pytest.mark.parametrize("output", ["out.jsonl", "out.parquet"])
def test_what_json_cannot_keep_is_rejected_with_its_reason(
    tiny_bert: Path, shard_rows: int, output: str
) -> None:
    bad = {
        '{"text": "b", "n": 1, "n": 2}': "not JSON: key 'n' twice in one object",
        '{"text": "b", "n": {"m": 1, "m": 1}}': "not JSON: key 'm' twice in one object",
        '{"text": "b", "n": 1e999}': "not JSON: number 1e999 is beyond what 64 bits hold",
        '{"text": "b", "n": [-1e999]}': "not JSON: number -1e999 is beyond",
        '{"text": "b", "n": ' + "9" * 5000 + "}": "not JSON: ",
        '{"text": "b", "n": ' + "[" * 100 + "]" * 100 + "}": "JSON nested too deeply",
        '{"text": "b", "\\udc00": 1}': "key '\\udc00' holds half a surrogate pair",
        '{"text": "b", "s": "\\ud800"}': "column 's' holds half a surrogate pair",
        '{"text": "b", "n": [{"\\ud800": 1}]}': "column 'n' holds half a surrogate pair",
    }
    good = '{"text": "a", "n": 1, "s": "x"}\n{"text": "a", "n": ' + "[" * 99 + "]" * 99 + "}\n"
    _, out, rejected = ran(tiny_bert, good + "\n".join(bad), shard_rows, output)
    assert [row["s"] for row in out] == ["x", None]
    assert [*rejected] == [*range(3, 3 + len(bad))]
    for reason, expected in zip(rejected.values(), bad.values(), strict=True):
        assert reason.startswith(expected)


def test_a_second_text_that_is_none_is_rejected(tiny_bert: Path) -> None:
    rows = [{"text": "a", "b": 3}, {"text": "a", "b": "c"}, {"text": "a"}, {"text": "a", "b": True}]
    for shard_rows, output in ((1, "out.parquet"), (9, "out.parquet"), (2, "out.jsonl")):
        _, out, rejected = ran(tiny_bert, written(rows), shard_rows, output, pair_column="b")
        assert [row["b"] for row in out] == ["c"]
        assert rejected == {
            1: "column 'b' is 3, expected text",
            3: "column 'b' is null, expected text",
            4: "column 'b' is true, expected text",
        }
    with pytest.raises(InputError, match="column 'b' is int, expected text"):
        ran(tiny_bert, written(rows[:1]), 1, "out.jsonl", pair_column="b")


def test_json_of_a_file_is_looked_at_before_it_is_written_out(
    tiny_bert: Path, tmp_path: Path
) -> None:
    field = pa.field("v", pa.string(), metadata={b"bertie": b"json"})
    values = ["1", '"x"', None, '[1, {"a": null}]', '1}\n{"text": 1', "x", "[1,\n2]", ""]
    schema = pa.schema([pa.field("text", pa.string()), field])
    given = pa.table([pa.array(["a"] * len(values)), pa.array(values)], schema=schema)
    pq.write_table(given, tmp_path / "in.parquet")
    arguments = ((str(tmp_path / "in.parquet"),), tmp_path / "out.jsonl", str(tiny_bert))
    summary = run(Job("tokenize", *arguments))
    found = [row["v"] for row in lines(tmp_path / "out.jsonl")]
    assert found == [1, "x", None, [1, {"a": None}]]
    rejects = lines(Path(summary.rejects or ""))
    assert [one["row"] for one in rejects] == [5, 6, 7, 8]
    assert {one["reason"] for one in rejects} == {"column 'v' isn't one line of JSON"}


def test_a_column_that_no_row_has_is_refused(tiny_bert: Path) -> None:
    data = written([{"text": "a", "b": 1}, {"text": "a", "c": 1}])
    for wanted in ({"keep": ("d",)}, {"pair_column": "d"}, {"pair_column": "d", "keep": ("b",)}):
        with pytest.raises(InputError, match="no column 'd', it has 'text', 'b', 'c'"):
            ran(tiny_bert, data, 1, "out.parquet", **wanted)


def test_keys_without_end_are_refused_by_name(tiny_bert: Path) -> None:
    data = written([{"text": "a", f"key {number}": 1} for number in range(1001)])
    with pytest.raises(InputError, match="more than 1000 different keys; choose columns by --keep"):
        ran(tiny_bert, data, 100, "out.parquet")
    _, out, _ = ran(tiny_bert, data, 100, "out.jsonl", keep=("text", "key 7"))
    assert [row["key 7"] for row in out][6:9] == [None, 1, None]
