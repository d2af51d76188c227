"""Each command on small real models."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bertie as library

from .conftest import Ran, Terminal

Bertie = Callable[..., Ran]
Process = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,cat\n2,the dog\n3,a bird in the sky\n")
    return path


def test_pull_prints_the_directory_alone(bertie: Bertie, tiny_bert: Path) -> None:
    assert bertie("pull", tiny_bert) == Ran(0, f"{tiny_bert}\n", "")


def test_info_is_json_in_a_pipe_and_readable_for_people(
    bertie: Bertie, tiny_sentence: Path
) -> None:
    info = json.loads(bertie("info", tiny_sentence).out)
    assert info["dimensions"] == library.load(tiny_sentence).dimensions
    table = bertie("info", tiny_sentence, "--as", "table").out
    assert "\npooling " in table
    assert "from" in table
    assert "{" not in table


def test_tokenize_aligns_tokens_ids_and_places(bertie: Bertie, minilm: Path) -> None:
    ran = bertie("tokenize", "-m", minilm, "--as", "table", "Naïve 日本!")
    assert ran.out.splitlines() == [
        "token     id  start  end",
        "[CLS]    101      0    0",
        "naive  15743      0    5",
        "日      1864      6    7",
        "本      1876      7    8",
        "!        999      8    9",
        "[SEP]    102      0    0",
    ]


def test_tokenize_goes_the_other_way(bertie: Bertie, minilm: Path) -> None:
    ran = bertie("tokenize", "-m", minilm, "--ids", "101,7592", "--as", "table")
    assert ran.out == "token    id\n[CLS]   101\nhello  7592\n"
    assert json.loads(bertie("tokenize", "-m", minilm, "--ids", "101 7592").out) == {
        "ids": [101, 7592],
        "tokens": ["[CLS]", "hello"],
        "text": "hello",
    }
    ran = bertie("tokenize", "-m", minilm, "--ids", "99999")
    assert ran.code == 1
    assert "99999" in ran.err


def test_tokenize_takes_a_pair_and_writes_files(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    ran = bertie("tokenize", "-m", tiny_sentence, "--json", "--pair", "a", "a cat", "a")
    lines = ran.out.splitlines()
    first = json.loads(lines[0])
    assert (first["text"], first["pair"], set(first["type_ids"])) == ("a cat", "a", {0, 1})
    out = tmp_path / "tokens.jsonl"
    bertie("tokenize", "-m", tiny_sentence, "--pair", "a", "-o", out, "a cat", "a")
    assert out.read_text().splitlines() == lines


def test_tokenize_counts_tokens_with_a_histogram(bertie: Bertie, tiny_sentence: Path) -> None:
    ran = bertie("tokenize", "-m", tiny_sentence, "--count", "--as", "table", "", "a a a")
    assert ran.out.splitlines()[:2] == ["     2  ", "     5  a a a"]
    assert ran.out.splitlines()[-1] == "2 texts, 7 tokens, the longest 5"
    records = [
        json.loads(line)
        for line in bertie("tokenize", "-m", tiny_sentence, "--count", "", "a a a").out.splitlines()
    ]
    assert [record.get("count") for record in records] == [2, 5, None]
    assert records[-1]["histogram"] == [
        {"at_most": 2, "texts": 1, "fit": 0.5},
        {"at_most": 4, "texts": 0, "fit": 0.5},
        {"at_most": 8, "texts": 1, "fit": 1.0},
    ]


def test_tokenize_learns_a_vocabulary(bertie: Bertie, tmp_path: Path) -> None:
    out = tmp_path / "vocab.txt"
    ran = bertie("tokenize", "--train", 40, "-o", out, "Hello hello world", "hello worlds")
    assert ran.code == 0
    tokens = out.read_text().splitlines()
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert "H" not in tokens
    cased = bertie("tokenize", "--train", 40, "--cased", "Hello hello world").out
    assert "H" in cased.splitlines()
    assert bertie("tokenize", "--train", 40, "--count", "a").code == 2
    assert bertie("tokenize", "--cased", "a").code == 2


def test_embed_prints_exact_vectors_in_a_pipe(bertie: Bertie, tiny_sentence: Path) -> None:
    ran = bertie("embed", "-m", tiny_sentence, "a cat", "")
    printed = [json.loads(line) for line in ran.out.splitlines()]
    expected = library.load(tiny_sentence).embed(["a cat", ""])
    assert [record["text"] for record in printed] == ["a cat", ""]
    assert (np.array([record["embedding"] for record in printed], np.float32) == expected).all()


def test_embed_reads_standard_input_lines(process: Process, tiny_sentence: Path) -> None:
    ran = process("embed", "-m", tiny_sentence, input="one\n\ntwo\n")
    texts = [json.loads(line)["text"] for line in ran.stdout.splitlines()]
    assert texts == ["one", "", "two"]


def test_embed_writes_every_format_with_the_same_numbers(
    bertie: Bertie, tiny_sentence: Path, rows: Path, tmp_path: Path
) -> None:
    for suffix in ("npy", "csv", "jsonl"):
        ran = bertie("embed", "-m", tiny_sentence, "-i", rows, "-o", tmp_path / f"out.{suffix}")
        assert ran.code == 0, ran.err
        assert ran.out == ""
        assert "3 vectors" in ran.err
    expected = library.load(tiny_sentence).embed(["cat", "the dog", "a bird in the sky"])
    assert (np.load(tmp_path / "out.npy") == expected).all()
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header[:3] == ["id", "text", "e0"]
    assert [line[0] for line in lines] == ["1", "2", "3"]
    assert (np.array([line[2:] for line in lines], np.float32) == expected).all()
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["id"] for record in records] == ["1", "2", "3"]
    assert (np.array([record["embedding"] for record in records], np.float32) == expected).all()
    assert {path.name for path in tmp_path.iterdir()} == {
        "rows.csv",
        "out.npy",
        "out.csv",
        "out.jsonl",
    }


@pytest.mark.parametrize("suffix", ["npy", "csv", "jsonl"])
def test_a_file_is_written_whole_or_not_at_all(
    suffix: str, bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"text\nfine\nb\xe9d\n")
    out = tmp_path / f"out.{suffix}"
    out.write_text("what was there before")
    ran = bertie("embed", "-m", tiny_sentence, "-i", bad, "-o", out)
    assert ran.code == 1
    assert ran.err.startswith(f"bertie: {bad}: row 2 (line 3): not UTF-8")
    assert out.read_text() == "what was there before"
    assert len(list(tmp_path.iterdir())) == 2


def test_nowhere_to_write_is_said_before_anything_is_computed(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    ran = bertie("embed", "-m", tiny_sentence, "a", "-o", tmp_path / "none" / "out.npy")
    assert ran.code == 1
    assert "out.npy can't be written: No such file or directory" in ran.err
    (tmp_path / "out.npy").mkdir()
    ran = bertie("embed", "-m", tiny_sentence, "a", "-o", tmp_path / "out.npy")
    assert "is no plain file" in ran.err


def test_a_column_in_the_way_is_named(bertie: Bertie, tiny_sentence: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,embedding,e0\na,b,c\n")
    ran = bertie("embed", "-m", tiny_sentence, "-i", path)
    assert "a column is called 'embedding' already" in ran.err
    ran = bertie("embed", "-m", tiny_sentence, "-i", path, "-o", tmp_path / "out.csv")
    assert "a column is called 'e0' already" in ran.err


def test_rows_that_differ_cannot_be_csv(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b", "n": 1}\n')
    ran = bertie("embed", "-m", tiny_sentence, "-i", path, "-o", tmp_path / "out.csv")
    assert ran.code == 1
    assert "row 2 has the keys ['text', 'n']" in ran.err


def test_truncate_error_refuses_and_max_length_is_obeyed(
    bertie: Bertie, tiny_sentence: Path
) -> None:
    ran = bertie("embed", "-m", tiny_sentence, "a b c d", "--max-length", 4, "--truncate", "error")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1


def test_search_finds_rows_with_all_their_columns(
    bertie: Bertie, tiny_sentence: Path, rows: Path
) -> None:
    ran = bertie("search", rows, "the dog", "-m", tiny_sentence, "-k", 2)
    best, second = map(json.loads, ran.out.splitlines())
    assert best == {
        "query": "the dog",
        "rank": 1,
        "score": pytest.approx(1.0, abs=1e-5),
        "row": 2,
        "fields": {"id": "2", "text": "the dog"},
    }
    assert second["rank"] == 2
    assert second["score"] <= best["score"]


def test_search_takes_a_query_a_line_from_a_pipe(
    process: Process, tiny_sentence: Path, rows: Path
) -> None:
    ran = process("search", rows, "-m", tiny_sentence, "-k", 1, input="cat\nthe dog\n")
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(hit["query"], hit["fields"]["id"]) for hit in found] == [
        ("cat", "1"),
        ("the dog", "2"),
    ]


def test_search_asks_in_a_loop_on_a_terminal(
    terminal: type[Terminal], tiny_sentence: Path, rows: Path
) -> None:
    session = terminal("search", rows, "-m", tiny_sentence, "-k", "1")
    session.wait_for("? ")
    session.type("the dog\n")
    session.wait_for("1.000", "? ")
    session.type("cat\n")
    session.wait_for("1.000", "? ")
    session.type("\x04")
    assert session.end() == 0
    assert "Traceback" not in session.shown


def test_search_can_be_left_with_an_interrupt(
    terminal: type[Terminal], tiny_sentence: Path, rows: Path
) -> None:
    session = terminal("search", rows, "-m", tiny_sentence)
    session.wait_for("? ")
    session.type("\x03")
    # One that comes between the prompt and Python's waiting for a line is seen after that line.
    assert session.end(typing="\n") == 130
    assert "Traceback" not in session.shown


def test_embed_is_short_on_a_terminal(terminal: type[Terminal], tiny_sentence: Path) -> None:
    shown = terminal("embed", "-m", tiny_sentence, "a cat")
    assert shown.end() == 0
    assert "a cat\r\n" in shown.shown
    assert " numbers, length " in shown.shown


def test_embed_without_texts_on_a_terminal_is_wrong_usage(
    terminal: type[Terminal], tiny_sentence: Path
) -> None:
    shown = terminal("embed", "-m", tiny_sentence)
    assert shown.end() == 2
    assert "no texts: give some" in shown.shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,body\n1,a\n", "no column 'text', it has 'id', 'body'"),
        (b"id,text\n1,a\n2\n", "row 2 (line 3): columns: 1, expected 2"),
        (b"id,text\n1,caf\xe9\n", "row 1 (line 2): not UTF-8"),
        (b"", "is empty"),
        (b"id,text\n", "no rows"),
        (b"id,text\n1,a\0\n", "row 1 (line 2): a NUL byte"),
        (b"id,text\n1," + b"x" * (9 << 20), "row 1 (line 2): a line longer than"),
    ],
)
def test_a_bad_table_is_one_line_and_1(
    content: bytes, said: str, bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    ran = bertie("search", path, "query", "-m", tiny_sentence)
    assert ran.code == 1
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
