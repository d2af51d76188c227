"""Rows written to files: a value is what it was, or the file is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.cli.row_files import write_rows
from bertie.errors import InputError

from .conftest import Ran

pytest.importorskip("pyarrow", reason="pyarrow isn't installed")

import pyarrow as pa
import pyarrow.parquet as pq

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner),
    max_leaves=4,
)


def exact(value: Any) -> str:
    """A value to compare, with its type; an object's null is no key."""
    if isinstance(value, dict):
        value = {key: exact(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        value = [exact(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries({"a": VALUES}, optional={"b": VALUES}), max_size=6),
    group=st.integers(1, 3),
)
def test_parquet_has_what_was_given_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], group: int
) -> None:
    path = tmp_path_factory.mktemp("rows") / "out.parquet"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bertie.cli.row_files._GROUP", group)
        try:
            write_rows(path, [(row, 0.5) for row in rows], "answer")
        except InputError:
            assert not path.exists()
            return
    found = pq.read_table(path).to_pylist()
    assert len(found) == len(rows)
    for before, after in zip(rows, found, strict=True):
        assert [exact(before.get(n)) for n in "ab"] == [exact(after.get(n)) for n in "ab"]


@pytest.mark.parametrize(
    ("first", "later"),
    [(1, 9.99), (1.5, True), (True, 1), ("a", 1), ([1], [2.5]), ({"x": 1}, {"x": 1, "y": 2})],
)
def test_a_later_row_that_the_first_ones_type_would_change_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Any, later: Any
) -> None:
    monkeypatch.setattr("bertie.cli.row_files._GROUP", 2)
    rows = [({"a": first}, 1), ({"a": first}, 2), ({"a": first}, 3), ({"a": later}, 4)]
    with pytest.raises(InputError, match=r"row 4: column 'a' is|don't fit into one table"):
        write_rows(tmp_path / "out.parquet", rows, "answer")
    write_rows(tmp_path / "out.jsonl", rows, "answer")
    said = [json.loads(line)["a"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [json.dumps(one) for one in said] == [json.dumps(row["a"]) for row, _ in rows]


def test_columns_too_deep_to_be_read_again_are_refused(tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(60):
        deep = [deep]
    with pytest.raises(InputError, match=r"too deeply nested.*; .jsonl takes any"):
        write_rows(tmp_path / "out.parquet", [({"a": deep}, 1)], "answer")
    assert not (tmp_path / "out.parquet").exists()


def test_parquet_has_every_key_of_the_first_rows(tmp_path: Path) -> None:
    rows = [({"a": 1}, 0.5), ({"b": "x", "a": 2.5}, 0.5)]
    write_rows(tmp_path / "out.parquet", rows, "answer")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["a", "b", "answer"]
    assert found.column("a").to_pylist() == [1.0, 2.5]
    assert found.column("b").to_pylist() == [None, "x"]


def test_csv_has_texts_as_they_are_and_the_rest_as_json(
    bertie: Callable[..., Ran], tiny_sentence: Path, tmp_path: Path
) -> None:
    row = {"text": "a, b", "n": 1.5, "t": True, "none": None, "list": ["é", 1], "same": "true"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    expected = {**row, "n": "1.5", "t": "true", "none": "", "list": '["é", 1]'}
    ran = bertie(
        "embed", "-m", tiny_sentence, "-i", tmp_path / "rows.jsonl", "-o", tmp_path / "o.csv"
    )
    assert ran.code == 0, ran.err
    write_rows(tmp_path / "p.csv", [(row, 0.5)], "answer")
    for name in ("o.csv", "p.csv"):
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            (found,) = csv.DictReader(file)
        assert {key: found[key] for key in row} == expected


def test_half_a_surrogate_pair_is_spelled_in_json_and_refused_elsewhere(
    bertie: Callable[..., Ran], tiny_sentence: Path, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "other": "\\ud800"}\n')
    given = ("embed", "-m", tiny_sentence, "-i", tmp_path / "rows.jsonl")
    assert json.loads(bertie(*given).out)["other"] == "\ud800"
    assert bertie(*given, "-o", tmp_path / "out.jsonl").code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text())["other"] == "\ud800"
    ran = bertie(*given, "-o", tmp_path / "out.csv")
    assert (ran.code, "half a surrogate pair" in ran.err) == (1, True)
    with pytest.raises(InputError, match="don't fit into one table"):
        write_rows(tmp_path / "out.parquet", [({"a": "\ud800"}, 1)], "answer")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("int", ["7", " -3", "007", ""], [7, -3, 7, None]),
        ("int", [5, None], [5, None]),
        ("float", ["1.5", ".5", "1e3", "nan", 2, ""], [1.5, 0.5, 1000.0, "nan", 2.0, None]),
        ("text", ["a", 1.5, True, [1, "b"]], ["a", "1.5", "true", '[1, "b"]']),
    ],
)
def test_a_column_is_read_as_its_type(
    bertie: Callable[..., Ran],
    tiny_sentence: Path,
    tmp_path: Path,
    kind: str,
    given: list[Any],
    expected: list[Any],
) -> None:
    index = indexed(bertie, tiny_sentence, tmp_path, kind, given)
    assert index[0] == "", index
    assert [str(one) for one in index[1]] == [str(one) for one in expected]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("int", one) for one in ("1_000", "1.0", "٣", "x", 9.99, 2.0, True, [1])),
        *(("float", one) for one in ("1_0.5", "1e999", "x", True, 2**53 + 1, 10**400)),
    ],
)
def test_what_is_not_of_its_columns_type_is_refused(
    bertie: Callable[..., Ran], tiny_sentence: Path, tmp_path: Path, kind: str, value: Any
) -> None:
    said, _ = indexed(bertie, tiny_sentence, tmp_path, kind, [value])
    assert f"row 1: column 'v' is {value!r}, expected {kind} as --type says" in said


def indexed(
    bertie: Callable[..., Ran], model: Path, directory: Path, kind: str, values: list[Any]
) -> tuple[str, list[Any]]:
    """Index rows of JSONL. Returns: what was wrong, and the values that are kept."""
    pytest.importorskip("lancedb")
    from bertie.search import Index

    lines = [{"id": str(n), "text": "a", "v": value} for n, value in enumerate(values)]
    path = directory / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    index_path = directory / "index"
    ran = bertie("index", path, "-o", index_path, "--key", "id", "--type", f"v={kind}", "-m", model)
    found = {row["key"]: row["fields"].get("v") for row in Index.open(index_path).rows()}
    return ran.err, [found[key] for key in sorted(found)]


def test_parquet_is_indexed_to_the_last_digit_or_refused(
    bertie: Callable[..., Ran], tiny_sentence: Path, tmp_path: Path
) -> None:
    pytest.importorskip("lancedb")
    from bertie.search import Index

    texts = pa.array(["a", "b"])
    kinds: dict[str, Any] = {
        "ns": pa.array([1000, 2000], pa.timestamp("ns")),
        "time": pa.array([1000, 2000], pa.time64("ns")),
        "zone": pa.array([1, 2], pa.timestamp("us", "+02:00")),
        "dec": pa.array([1, 2], pa.decimal128(10, 2)),
        "f32": pa.array([0.1, 2], pa.float32()),
        "dict": pa.array(["x", "y"]).dictionary_encode(),
        "view": pa.array(["x", "y"], pa.string_view()),
        "list": pa.array([[1], []], pa.list_(pa.time64("ns"))),
    }
    pq.write_table(pa.table({"text": texts, **kinds}), tmp_path / "in.parquet")
    index_path = tmp_path / "index"
    ran = bertie("index", tmp_path / "in.parquet", "-o", index_path, "-m", tiny_sentence)
    assert ran.code == 0, ran.err
    rows = sorted(
        (row["fields"] for row in Index.open(index_path).rows()), key=lambda row: row["text"]
    )
    for name, column in kinds.items():
        if name == "list":
            assert [row[name] for row in rows] == ['["00:00:00.000000001"]', "[]"]
        elif name in ("ns", "time"):
            assert [row[name].microsecond for row in rows] == [1, 2]
        else:
            assert [row[name] for row in rows] == column.to_pylist()
    refused: dict[str, Any] = {
        "has times that aren't whole microseconds": pa.array([1, 2], pa.timestamp("ns")),
        "aren't whole microseconds in": pa.array([1, 2], pa.time64("ns")),
        "in Python's years": pa.array([2**62, 2], pa.timestamp("us")),
        "expected int64": pa.array([2**64 - 1, 2], pa.uint64()),
    }
    for said, column in refused.items():
        pq.write_table(pa.table({"text": texts, "v": column}), tmp_path / "in.parquet")
        ran = bertie("index", tmp_path / "in.parquet", "-o", index_path)
        assert (ran.code, said in ran.err, "column 'v'" in ran.err) == (1, True, True), ran.err
    twice = pa.table([texts, texts], names=["text", "text"])
    pq.write_table(twice, tmp_path / "in.parquet")
    assert "column 'text' twice" in bertie("index", tmp_path / "in.parquet", "-o", index_path).err
    assert len(Index.open(index_path)) == 2


def test_a_number_that_json_lacks_stays_what_it_was(
    bertie: Callable[..., Ran], tiny_sentence: Path, filler: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "[MASK]", "n": NaN, "m": -Infinity}\n')
    for task, model in (("embed", tiny_sentence), ("fill", filler)):
        arguments = (task, "-m", model, "-i", tmp_path / "in.jsonl")
        assert bertie(*arguments, "-o", tmp_path / "o.jsonl").code == 0
        for line in ((tmp_path / "o.jsonl").read_text(), bertie(*arguments).out):
            assert line.startswith('{"text": "[MASK]", "n": NaN, "m": -Infinity, ')
