"""The examples run as they stand."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.heads import add_fill_head, add_head, add_projection
from tests.timeouts import TIMEOUT

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = Path(__file__).parent / "data" / "tiny-bert"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the repository's examples/")


def run(
    name: str, *arguments: str | Path, home: Path | None = None, warnings: str = "default"
) -> str:
    """Run an example, with a cache that has the default model where it needs that."""
    ran = subprocess.run(
        [sys.executable, "-W", warnings, str(EXAMPLES / name), *map(str, arguments)],
        env={**os.environ, **({"BERTIE_HOME": str(home)} if home else {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def home_of(minilm: Path) -> Path:
    """The cache that the default model lies in."""
    return minilm.parent.parent.parent


def test_embedding(minilm: Path) -> None:
    assert "vectors: (2, 384) float32" in run("embedding.py", home=home_of(minilm))


def test_similarity(minilm: Path) -> None:
    shown = run("similarity.py", home=home_of(minilm))
    best = shown.splitlines()[2]
    assert best.endswith("Boats depart for the isle at twelve o'clock.")
    assert len(shown.splitlines()[-1].split()) == 8


def test_semantic_search(minilm: Path) -> None:
    shown = run("semantic_search.py", "my little boy does not like books", home=home_of(minilm))
    assert "My son hates reading" in shown.splitlines()[2]


def test_classify(bert: Path) -> None:
    add_head(bert, "sequence_classification", 2, ["bad", "good"])
    rows = [line.split(maxsplit=2) for line in run("classify.py", bert).splitlines()]
    assert len(rows) == 6
    assert {label for _, label, _ in rows} <= {"bad", "good"}
    assert [float(score) for score, _, _ in rows] == sorted(float(r[0]) for r in rows)[::-1]


def test_zero_shot(bert: Path) -> None:
    add_head(bert, "sequence_classification", 2, ["contradiction", "entailment"])
    first = run("zero_shot.py", bert, "rain", "stone").splitlines()[1:3]
    assert {line.split()[1] for line in first} == {"rain", "stone"}
    assert sum(float(line.split()[0]) for line in first) == pytest.approx(1, abs=2e-3)


def test_rank(bert: Path) -> None:
    add_head(bert, "sequence_classification", 1)
    # A model of 64 positions warns of what it doesn't read.
    shown = run("rank.py", bert, "What does a card cost?", warnings="ignore").splitlines()
    scores = [float(line.split()[0]) for line in shown[2:]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_tag(bert: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    *found, empty, marked = run("tag.py", bert).splitlines()
    assert found
    assert empty == ""
    assert marked.count("[") == marked.count("]") == len(found)


def test_answer(bert: Path) -> None:
    add_head(bert, "question_answering", 2)
    shown = run("answer.py", bert, "Who designed the bridge?").splitlines()
    assert shown[0] == "Who designed the bridge?"
    assert " to " in shown[1]


def test_fill(bert: Path) -> None:
    add_fill_head(bert)
    shown = run("fill.py", bert).splitlines()
    assert shown[0] == "The ferry to the island leaves at [MASK]."
    assert shown[1].count(", ") >= 3
    assert sum("perplexity" in line for line in shown) == 2


def test_next_sentence(bert: Path) -> None:
    add_head(bert, "next_sentence", 2)
    told = run("next_sentence.py", bert, warnings="ignore").splitlines()
    assert len(set(told)) == len(told) == 5
    assert told[0].endswith("stopped between two floors.")


def test_sparse_search(bert: Path) -> None:
    pytest.importorskip("scipy", reason="SciPy has the matrix of sparse vectors")
    add_fill_head(bert)
    shown = run("sparse_search.py", bert, "How do I get a library card?").splitlines()
    scores = [float(line.split()[0]) for line in shown[2::2]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(line.strip().startswith("by ") for line in shown[3::2])


def test_multi_vector(bert: Path) -> None:
    add_projection(bert)
    shown = run(
        "multi_vector.py", bert, "How do I get a library card?", warnings="ignore"
    ).splitlines()
    assert shown[0].endswith("vectors of 6")
    assert len(shown) == 6


@pytest.mark.parametrize("name", ["classify.py", "fill.py", "multi_vector.py"])
def test_an_example_that_a_model_has_no_head_for_says_so(name: str, tiny_bert: Path) -> None:
    command = [sys.executable, str(EXAMPLES / name), str(tiny_bert)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert ran.returncode == 1
    assert "TaskError" in ran.stderr


def test_the_questions_are_many_and_different() -> None:
    with (EXAMPLES / "faq.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) >= 120
    assert len({row["text"] for row in rows}) == len({row["answer"] for row in rows}) == len(rows)
    assert all(row["text"] and row["answer"] for row in rows)


@pytest.mark.parametrize(
    "name",
    sorted(
        path.relative_to(EXAMPLES).as_posix()
        for path in EXAMPLES.rglob("*.py")
        if path.name != "data.py"
    ),
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
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert ran.returncode == 0, ran.stderr
    theirs, ours = ran.stdout.splitlines()[-2:]
    assert theirs.startswith("transformers: ")
    assert ours == theirs.replace("transformers", "Bertie")
