"""bertie index, and bertie search in what it made."""

import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.timeouts import TIMEOUT

CSV = "id,text,year\n1,a child reads a book,1990\n2,rain falls,1991\n3,two dogs run,\n"


@pytest.fixture
def made(tmp_path: Path, tiny_sentence: Path, bertie: Callable[..., Any]) -> Path:
    """An index of CSV, and its file beside it."""
    pytest.importorskip("lancedb")
    (tmp_path / "rows.csv").write_text(CSV)
    options = ("--key", "id", "--type", "year=int", "-m", tiny_sentence, "--precision", "float32")
    ran = bertie("index", tmp_path / "rows.csv", "-o", tmp_path / "index", *options)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {
        "index": str(tmp_path / "index"),
        **{"added": 3, "changed": 0, "unchanged": 0, "tokens": 19, "truncated": 0, "rows": 3},
    }
    return tmp_path / "index"


def test_a_file_is_indexed_and_searched(made: Path, bertie: Callable[..., Any]) -> None:
    for mode in ("text", "hybrid"):
        ran = bertie("search", made, "reading", "-k", 1, "--mode", mode)
        (found,) = map(json.loads, ran.out.splitlines())
        assert found["key"] == "1"
        assert found["fields"] == {"text": "a child reads a book", "id": "1", "year": 1990}
    ran = bertie("search", made, "dogs", "--where", "year > 1990")
    assert [json.loads(line)["key"] for line in ran.out.splitlines()] == ["2"]
    table = bertie("search", made, "dogs", "--as", "table").out
    assert "two dogs run" in table
    assert "None" not in table


def test_indexing_again_costs_nothing_and_follows_the_file(
    made: Path, bertie: Callable[..., Any]
) -> None:
    file = made.parent / "rows.csv"
    again = ("index", file, "-o", made, "--key", "id", "--type", "year=int")
    assert json.loads(bertie(*again).out)["unchanged"] == 3
    file.write_text(CSV.replace("rain falls", "snow falls") + "4,new,\n")
    ran = json.loads(bertie(*again).out)
    assert (ran["added"], ran["changed"], ran["unchanged"]) == (1, 1, 2)
    file.write_text(CSV)
    assert json.loads(bertie(*again, "--prune").out)["rows"] == 3
    ran = json.loads(bertie("index", "-o", made, "--delete", "1", "--delete", "9").out)
    assert ran == {"index": str(made), "deleted": 1, "rows": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "INDEX", "q", "--where", "nosuch = 1"], 1, "No field named nosuch"),
        (["search", "INDEX", "q", "--precision", "bfloat16"], 1, "was made with float32"),
        (["search", "INDEX", "q", "--column", "body"], 1, "--column is body, but"),
        (["search", "INDEX/..", "q"], 1, "is no index: it has no index.json"),
        (["search", "FILE", "q", "--mode", "text"], 2, "--mode needs an index"),
        (["index", "-o", "INDEX"], 2, "nothing to do"),
        (["index", "-o", "INDEX", "--prune", "--report"], 2, "name DATA"),
        (["index", "FILE", "-o", "INDEX", "--type", "year=date"], 2, "is no COLUMN=TYPE"),
        (["index", "FILE", "-o", "INDEX", "--type", "text=int"], 1, "row 1: column 'text' is 'a"),
        (["index", "FILE", "-o", "INDEX", "--key", "year"], 1, "the rows were added with 'id'"),
        (["index", "FILE", "-o", "INDEX", "--language", "German"], 1, "was made with English"),
        (["index", "NOFILE", "-o", "INDEX"], 1, "No such file"),
    ],
)
def test_what_cannot_be_is_refused(
    made: Path, bertie: Callable[..., Any], arguments: list[str], code: int, message: str
) -> None:
    file = made.parent / "rows.csv"
    places = {"INDEX": str(made), "FILE": str(file), "NOFILE": str(file.with_name("none.csv"))}
    ran = bertie(*(places.get(one, one.replace("INDEX", str(made))) for one in arguments))
    assert (ran.code, message in ran.err) == (code, True), ran.err


def test_a_directory_of_several_formats_is_indexed(
    made: Path, bertie: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.csv.gz").write_bytes(gzip.compress(b"id,text\n10,snow falls\n"))
    (folder / "b.jsonl").write_text('{"id": "11", "text": "wind blows", "year": 7}\n')
    table = pa.table({"id": ["12"], "text": ["hail"], "year": [8]})
    pq.write_table(table, folder / "c.parquet")
    ran = json.loads(bertie("index", folder, "-o", made).out)
    assert (ran["added"], ran["rows"]) == (3, 6)
    (found,) = bertie("search", made, "hail", "--mode", "text").out.splitlines()
    assert json.loads(found)["fields"] == {"text": "hail", "id": "12", "year": 8}
    (folder / "c.parquet").write_bytes(b"PAR1 no")
    ran = bertie("index", folder / "c.parquet", "-o", made)
    assert (ran.code, "c.parquet can't be read as Parquet" in ran.err) == (1, True)


def test_a_report_describes_the_rows(made: Path, bertie: Callable[..., Any]) -> None:
    report = json.loads(bertie("index", "-o", made, "--report").out)["report"]
    assert (report["rows"], report["truncated"], report["repeated"]) == (3, 0, 0)
    shown = bertie("index", "-o", made, "--report", "--as", "table").out
    assert "0 rows (0.0%), 0 tokens lost" in shown


def test_a_map_is_written(made: Path, bertie: Callable[..., Any], tmp_path: Path) -> None:
    ran = bertie("map", made, "-o", tmp_path / "map.html", "--colour", "year", "--method", "pca")
    assert (ran.code, "3 of 3 rows by pca" in ran.err) == (0, True), ran.err
    assert "two dogs run" in (tmp_path / "map.html").read_text(encoding="utf-8")
    assert bertie("map", made, "-o", tmp_path / "map.png").code == 2
    ran = bertie("map", made, "-o", tmp_path / "map.html", "--colour", "nosuch")
    assert (ran.code, "no column 'nosuch'" in ran.err) == (1, True)
    assert "two dogs run" in (tmp_path / "map.html").read_text(encoding="utf-8")


def test_rows_that_repeat_others_are_found_and_deleted(
    made: Path, bertie: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "more.csv").write_text(CSV + "4,rain falls,\n5,rain falls,\n")
    bertie("index", tmp_path / "more.csv", "-o", made, "--type", "year=int")
    ran = bertie("dedup", made, "--threshold", "0.9999")
    (group,) = map(json.loads, ran.out.splitlines())
    assert (group["key"], group["text"]) == ("2", "rain falls")
    assert [one["key"] for one in group["duplicates"]] == ["4", "5"]
    assert "2 of 5 rows repeat 1 others" in ran.err
    assert "2 of 5 rows" in bertie("dedup", made, "--threshold", "0.9999", "--delete").err
    assert bertie("dedup", made, "--threshold", "0.9999").out == ""
    assert bertie("dedup", made, "--threshold", "0").code == 2
    assert bertie("dedup", tmp_path).code == 1


def test_rows_are_clustered(made: Path, bertie: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    options = ("-n", "2", "--save", "topic", "-o", tmp_path / "rows.csv")
    ran = bertie("cluster", made, *options)
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["rows"] for one in found] == [2, 1]
    assert (tmp_path / "rows.csv").read_text().splitlines()[0].endswith("cluster")
    assert bertie("search", made, "dogs", "--where", "topic = 1", "-k", 9).out.count("\n") == 1
    assert "2 rows, " in bertie("cluster", made, "-n", "2", "--as", "table").out
    ran = bertie("cluster", made, "-n", "4")
    assert (ran.code, "expected 2 to 3" in ran.err) == (1, True)


def test_a_column_is_settled_by_all_rows_of_the_files(
    bertie: Callable[..., Any], tiny_sentence: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    pytest.importorskip("lancedb")
    monkeypatch.setattr("bertie.search.adding._CHUNK", 2)
    lines = [json.dumps({"id": n, "text": f"text {n}", "price": n}) for n in range(5)]
    (tmp_path / "rows.jsonl").write_text(
        "\n".join([*lines, '{"id": 5, "text": "a", "price": 9.9}'])
    )
    given = ("index", tmp_path / "rows.jsonl", "-o", tmp_path / "index", "--key", "id")
    ran = bertie(*given, "-m", tiny_sentence)
    assert json.loads(ran.out)["added"] == 6
    found = bertie("search", tmp_path / "index", "a", "-k", "6").out.splitlines()
    prices = {json.loads(line)["key"]: json.loads(line)["fields"]["price"] for line in found}
    assert prices == {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0, "5": 9.9}
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines[:4], '{"id": 9, "text": 1}']))
    ran = bertie(*given)
    assert (ran.code, "row 5" in ran.err) == (1, True)


def test_a_pipe_is_indexed_in_one_reading(
    process: Callable[..., Any], tiny_sentence: Path, tmp_path: Path
) -> None:
    pytest.importorskip("lancedb")
    pipe = tmp_path / "rows.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(CSV,), daemon=True)
    writer.start()
    ran = process("index", pipe, "-o", tmp_path / "index", "-m", tiny_sentence)
    writer.join(TIMEOUT)
    assert (ran.returncode, json.loads(ran.stdout)["added"]) == (0, 3), ran.stderr
