"""The command of each task, on the tiny BERT with a head of its own."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bertie as library
from tests.tasks.heads import add_head

from .conftest import Ran

Bertie = Callable[..., Ran]

TEXTS = ["the old bridge", "who reads the book"]


def jsonl(ran: Ran) -> list[Any]:
    """Parse what a command printed."""
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of rows with two columns of text."""
    path = tmp_path / "rows.csv"
    path.write_text("id,text,other\n1,the old bridge,stone\n2,who reads the book,\n")
    return path


def test_classify_answers_texts_and_rows_of_pairs(bertie: Bertie, bert: Path, rows: Path) -> None:
    add_head(bert, "sequence_classification", 2, ["no", "yes"])
    model = library.load(bert)
    expected = [[one.to_dict() for one in labels] for labels in model.classify(TEXTS)]
    found = jsonl(bertie("classify", "-m", bert, *TEXTS))
    assert found == [{"text": t, "labels": e} for t, e in zip(TEXTS, expected, strict=True)]
    shown = bertie("classify", "-m", bert, "--as", "table", "-k", "1", TEXTS[0]).out.splitlines()
    assert shown[0] == TEXTS[0]
    assert shown[1].split() == [f"{expected[0][0]['score']:.4f}", expected[0][0]["label"]]
    pairs = jsonl(bertie("classify", "-m", bert, "-i", rows, "--pair-column", "other", "--raw"))
    raw = model.classify([(TEXTS[0], "stone"), (TEXTS[1], "")], raw=True)
    assert [row["labels"] for row in pairs] == [[one.to_dict() for one in two] for two in raw]
    assert pairs[0]["id"] == "1"


def test_answers_are_written_beside_their_rows(
    bertie: Bertie, bert: Path, rows: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow isn't installed")
    add_head(bert, "sequence_classification", 2, ["no", "yes"])
    expected = jsonl(bertie("classify", "-m", bert, "-i", rows))
    for suffix in ("jsonl", "csv", "parquet"):
        path = tmp_path / f"out.{suffix}"
        assert bertie("classify", "-m", bert, "-i", rows, "-o", path).err == f"2 rows in {path}\n"
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == expected
    with (tmp_path / "out.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [{**row, "labels": json.loads(row["labels"])} for row in found] == expected
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == expected
    assert bertie("classify", "-m", bert, "-i", rows, "-o", tmp_path / "out.xlsx").code == 2


def test_a_column_of_the_answers_name_is_no_place_for_them(
    bertie: Bertie, bert: Path, tmp_path: Path
) -> None:
    add_head(bert, "sequence_classification", 2)
    (tmp_path / "rows.csv").write_text("text,labels\na,b\n")
    ran = bertie("classify", "-m", bert, "-i", tmp_path / "rows.csv")
    assert (ran.code, ran.err) == (1, "bertie: a column is called 'labels' already; rename it\n")


def test_zero_shot_judges_the_labels_given(bertie: Bertie, bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, ["entailment", "neutral", "contradiction"])
    (found,) = jsonl(bertie("zero-shot", "-m", bert, "-l", "a", "-l", "b", TEXTS[0]))
    model = library.load(bert, task="zero_shot")
    expected = model.zero_shot(TEXTS[0], ["a", "b"])
    assert found["labels"] == [one.to_dict() for one in expected]
    assert bertie("zero-shot", "-m", bert, TEXTS[0]).code == 2


def test_rank_prints_rows_best_first(bertie: Bertie, bert: Path, rows: Path) -> None:
    add_head(bert, "sequence_classification", 1)
    found = jsonl(bertie("rank", "-m", bert, "who", "-i", rows))
    best = library.load(bert).rank("who", TEXTS)
    assert [(row["score"], row["row"]) for row in found] == [(b.score, b.index + 1) for b in best]
    assert found[0]["fields"]["text"] == TEXTS[best[0].index]
    assert TEXTS[best[0].index] in bertie("rank", "-m", bert, "who", *TEXTS, "--as", "table").out


def test_tag_prints_spans(bertie: Bertie, bert: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    found = jsonl(bertie("tag", "-m", bert, *TEXTS))
    spans = library.load(bert).tag(TEXTS)
    assert [row["spans"] for row in found] == [[s.to_dict() for s in one] for one in spans]
    shown = bertie("tag", "-m", bert, *TEXTS, "--as", "table").out
    assert all(f"{s.label}  {s.start}-{s.end}  {s.text}" in shown for one in spans for s in one)


def test_answer_finds_spans_of_every_row(bertie: Bertie, bert: Path, rows: Path) -> None:
    add_head(bert, "question_answering", 2)
    model = library.load(bert)
    found = jsonl(bertie("answer", "-m", bert, "who reads", *TEXTS))
    assert [row["answer"] for row in found] == [
        model.answer("who reads", text).to_dict() for text in TEXTS
    ]
    own = jsonl(bertie("answer", "-m", bert, "-i", rows, "--question-column", "other", "-k", "2"))
    expected = model.answer("stone", TEXTS[0], top_k=2)
    assert own[0]["answers"] == [one.to_dict() for one in expected]
    assert bertie("answer", "-m", bert, "-i", rows).code == 2
    missing = bertie("answer", "-m", bert, "-i", rows, "--question-column", "q")
    assert "row 1 (line 2): no column 'q', it has 'id', 'text', 'other'" in missing.err


def test_next_sentence_gives_a_probability(bertie: Bertie, bert: Path) -> None:
    add_head(bert, "next_sentence", 2)
    found = jsonl(bertie("next-sentence", "-m", bert, "who", *TEXTS))
    expected = library.load(bert).next_sentence("who", TEXTS)
    assert [row["follows"] for row in found] == expected.tolist()
    assert bertie("next-sentence", "-m", bert).code == 2


def test_sparse_prints_indices_and_weights(bertie: Bertie, filler: Path) -> None:
    found = jsonl(bertie("sparse", "-m", filler, "-k", "3", *TEXTS))
    expected = library.load(filler, task="sparse").embed_sparse(TEXTS, top_k=3)
    assert [row["vector"] for row in found] == [one.to_dict() for one in expected]
    shown = bertie("sparse", "-m", filler, "--as", "table", TEXTS[0]).out.splitlines()
    assert shown[0] == TEXTS[0]
    assert len(shown) == 9


def test_multivector_prints_a_vector_a_token(bertie: Bertie, colbert: Path) -> None:
    found = jsonl(bertie("multivector", "-m", colbert, "--kind", "query", *TEXTS))
    expected = library.load(colbert).embed_multi(TEXTS, kind="query")
    assert [row["vectors"] for row in found] == [one.tolist() for one in expected]
    assert (
        "12 vectors of 6"
        in bertie("multivector", "-m", colbert, "--kind", "query", "--as", "table", "x").out
    )


def test_a_task_that_a_model_has_no_head_for_is_one_clear_line(
    bertie: Bertie, tiny_bert: Path
) -> None:
    ran = bertie("tag", "-m", tiny_bert, "text")
    assert ran.code == 1
    assert "task 'tag' needs a head for token classification" in ran.err
    assert ran.err.count("\n") == 1
    assert bertie("fill", "-m", tiny_bert, "a [MASK]").code == 1


def test_what_a_server_has_decided_is_not_an_option_of_its_callers(bertie: Bertie) -> None:
    ran = bertie("embed", "--server", "http://127.0.0.1:1", "--precision", "int8", "a text")
    assert ran.code == 2
    assert "--precision is the server's to decide" in ran.err


def test_a_server_that_is_not_there_is_one_clear_line(bertie: Bertie) -> None:
    pytest.importorskip("httpx", reason="httpx isn't installed")
    ran = bertie("tag", "--server", "http://127.0.0.1:1", "a text")
    assert ran.code == 1
    assert ran.err.startswith("bertie: http://127.0.0.1:1 can't be reached: ")


@pytest.mark.parametrize("ids", ["1_0", "\uff13", "3.0", "+3"])
def test_ids_are_plain_digits(bertie: Bertie, tiny_bert: Path, ids: str) -> None:
    ran = bertie("tokenize", "-m", tiny_bert, "--ids", ids)
    assert (ran.code, "expected whole numbers" in ran.err) == (2, True)
