"""bertie bench prints a table for a person and JSON for a program."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ran

Bertie = Callable[..., Ran]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("id,body\n1,cat\n2,the dog\n")
    return path


@pytest.mark.parametrize("way", [["--json"], ["--as", "jsonl"], []])
def test_bench_is_one_line_of_json(
    bertie: Bertie, tiny_sentence: Path, rows: Path, way: list[str]
) -> None:
    ran = bertie("bench", tiny_sentence, "--texts", rows, "-c", "body", "--rounds", 1, *way)
    assert ran.code == 0
    report = json.loads(ran.out)
    assert report["bulk"][0]["texts"] == 2
    assert ran.err == ""


def test_bench_is_a_table_for_people(bertie: Bertie, tiny_sentence: Path) -> None:
    ran = bertie("bench", tiny_sentence, "--rounds", 1, "--as", "table", "--threads", 1)
    assert ran.code == 0
    for words in ("multiply peak", "short texts", "long texts", "p99 ms", "32 texts", "of peak"):
        assert words in ran.out
    assert "new process to first vector" in ran.out
    assert "{" not in ran.out


def test_a_task_is_measured_beside_its_encoder(
    bertie: Bertie, tiny_sentence: Path, rows: Path
) -> None:
    texts = ("--texts", rows, "-c", "body")
    ran = bertie("bench", tiny_sentence, "--task", "embed", *texts, "--rounds", 1)
    assert json.loads(ran.out)["task"] == "embed"
    ran = bertie("bench", tiny_sentence, "--task", "embed", *texts, "--rounds", 1, "--as", "table")
    assert "over both" in ran.out
    assert bertie("bench", tiny_sentence, "--task", "tag", *texts).code == 1


def test_texts_that_can_not_be_read_are_one_line(
    bertie: Bertie, tiny_sentence: Path, rows: Path
) -> None:
    ran = bertie("bench", tiny_sentence, "--texts", rows)
    assert ran.code == 1
    assert "no column 'text'" in ran.err
    assert bertie("bench", tiny_sentence, "--rounds", 0).code == 2


def test_bench_calibrates_int8_on_a_file(
    bertie: Bertie, tiny_sentence: Path, rows: Path, tmp_path: Path
) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text("the dog\na cat and the river\n")
    arguments = ("bench", tiny_sentence, "--texts", rows, "-c", "body", "--rounds", 1)
    ran = bertie(*arguments, "--precision", "int8", "--calibration", sample)
    assert json.loads(ran.out)["model"]["precision"] == "int8"
    ran = bertie(*arguments, "--precision", "float32", "--calibration", sample)
    assert ran.code == 1
    assert "only int8 is calibrated" in ran.err


def test_precisions_stand_side_by_side_with_a_verdict(
    bertie: Bertie, tiny_sentence: Path, rows: Path
) -> None:
    arguments = ("bench", tiny_sentence, "--precisions", "--texts", rows, "-c", "body")
    ran = bertie(*arguments, "--rounds", 1)
    assert [one["precision"] for one in json.loads(ran.out)["measured"]] == [
        "float32",
        "bfloat16",
        "int8",
    ]
    ran = bertie(*arguments, "--rounds", 1, "--as", "table")
    assert ran.code == 0
    for words in ("auto is ", "given, tokens/s", "one text, ms", "times as fast as float32 here"):
        assert words in ran.out
    for wrong in (("--task", "embed"), ("--precision", "int8")):
        ran = bertie(*arguments, *wrong)
        assert ran.code == 2
        assert f"leave out {wrong[0]}" in ran.err
