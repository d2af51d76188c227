"""The examples run as they stand."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = Path(__file__).parent / "data" / "tiny-bert"


def run(name: str, minilm: Path, home: Path, *arguments: str) -> str:
    """Run an example; the default model is the user's, by a cache that has it."""
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        env={**os.environ, "BERTIE_HOME": str(minilm.parent.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def test_embedding(minilm: Path, tmp_path: Path) -> None:
    assert "vectors: (2, 384) float32" in run("embedding.py", minilm, tmp_path)


def test_similarity(minilm: Path, tmp_path: Path) -> None:
    shown = run("similarity.py", minilm, tmp_path)
    best = shown.splitlines()[2]
    assert best.endswith("Boats depart for the isle at twelve o'clock.")
    assert len(shown.splitlines()[-1].split()) == 8


def test_semantic_search(minilm: Path, tmp_path: Path) -> None:
    shown = run("semantic_search.py", minilm, tmp_path, "my little boy does not like books")
    assert "My son hates reading" in shown.splitlines()[2]


def test_the_questions_are_many_and_different() -> None:
    with (EXAMPLES / "faq.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) >= 120
    assert len({row["text"] for row in rows}) == len({row["answer"] for row in rows}) == len(rows)
    assert all(row["text"] and row["answer"] for row in rows)


@pytest.mark.parametrize(
    "name",
    [
        "embedding.py",
        "similarity.py",
        "semantic_search.py",
        "finetune/sst2.py",
        "finetune/sick.py",
        "finetune/wnut17.py",
        "finetune/xquad.py",
    ],
)
def test_an_example_says_how_to_run_it(name: str) -> None:
    assert f"Run it: python examples/{name}" in (EXAMPLES / name).read_text()


def write_data(folder: Path) -> None:
    """Write a few rows of two data sets, in their own layouts."""
    review = "a warm and funny film\t1\ndull from end to end\t0\n"
    sentence = "Ada\tB-person\nLovelace\tI-person\nwrote\tO\n.\tO\n\t\n"
    for name, text in (
        ("train.tsv", review * 4),
        ("dev.tsv", review * 2),
        ("wnut17train.conll", sentence * 8),
        ("emerging.dev.conll", sentence * 2),
    ):
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", ["sst2.py", "wnut17.py"])
def test_what_transformers_trains_is_as_good_in_bertie(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch trains the examples")
    pytest.importorskip("transformers", reason="transformers trains the examples")
    write_data(tmp_path)
    command = [sys.executable, str(EXAMPLES / "finetune" / name), "--model", str(TINY)]
    command += ["--data", str(tmp_path), "--output", str(tmp_path / "checkpoint")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    theirs, ours = ran.stdout.splitlines()[-2:]
    assert theirs.startswith("transformers: ")
    assert ours == theirs.replace("transformers", "Bertie")
