"""bertie index, and bertie search in what it made."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    places = {"INDEX": str(made), "FILE": str(file), "NOFILE": str(file) + "x"}
    ran = bertie(*(places.get(one, one.replace("INDEX", str(made))) for one in arguments))
    assert (ran.code, message in ran.err) == (code, True), ran.err
