"""Columns of any name are read and kept, in every format."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bertie.jobs.job import Job
from bertie.jobs.run import run

from .conftest import table

ADDED = {"ids", "truncated"}
NAMES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["a.b", "a", "a.list.element", "Text", "text", "`x`", '"', "select", "é", ""]),
).filter(lambda name: name not in ADDED)


def write(directory: Path, row: dict[str, str]) -> list[str]:
    """Write one row in every format that can have its names."""
    (directory / "a.jsonl").write_text(json.dumps(row) + "\n")
    pq.write_table(
        pa.table({name: [value] for name, value in row.items()}), directory / "a.parquet"
    )
    if any("\0" in name for name in row) or [*row] == [""]:  # CSV has no such header
        return ["a.jsonl", "a.parquet"]
    with (directory / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([row.keys(), row.values()])
    return ["a.jsonl", "a.parquet", "a.csv"]


@settings(max_examples=20, deadline=None)
@given(names=st.lists(NAMES, min_size=2, max_size=4, unique=True), keeps=st.booleans())
@example(names=["", "0"], keeps=True)
@example(names=["a.b", "text.b", "text", "a"], keeps=True)
def test_columns_of_any_name_are_read_and_kept(
    tiny_bert: Path, names: list[str], keeps: bool
) -> None:
    row = {name: f"value {index}" for index, name in enumerate(names)}
    expected = {names[-1]: row[names[-1]]} if keeps else row
    keep = (names[-1],) if keeps else None
    with TemporaryDirectory() as directory:
        for source in write(Path(directory), row):
            for format in ("jsonl", "parquet"):
                out = Path(directory) / f"{source}.{format}"
                given = (str(Path(directory) / source),)
                job = Job("tokenize", given, out, str(tiny_bert), column=names[0], keep=keep)
                assert run(job).counts.rejected == 0
                if format == "jsonl":  # a name may have in it what str.splitlines splits at
                    found = json.loads(out.read_bytes())
                else:
                    (found,) = table(out).to_pylist()
                assert {name: found[name] for name in found.keys() - ADDED} == expected
