"""bertie evaluate: scores as JSON and as a table, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertie.cli.evaluate import TASKS
from bertie.evaluate.run import MEASURED
from tests.tasks.heads import add_head

from .conftest import Ran

Bertie = Callable[..., Ran]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pairs with scores."""
    path = tmp_path / "sts.csv"
    path.write_text("the river,a boat,2.5\nrain,rain,5\na cat,stone,0\n")
    return path


def test_scores_are_json_in_a_pipe_and_a_table_for_people(
    bertie: Bertie, tiny_bert: Path, data: Path
) -> None:
    command = ["evaluate", "embed", "-m", tiny_bert, "--data", data, "--precision", "float32"]
    ran = bertie(*command)
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found.keys() == {"task", "data", "precision", "examples", "pearson", "spearman"}
    assert (found["task"], found["precision"], found["examples"]) == ("embed", "float32", 3)
    shown = dict(line.split() for line in bertie(*command, "--as", "table").out.splitlines())
    assert shown["pearson"] == f"{found['pearson']:.4f}"


def test_a_correlation_that_there_is_none_of_is_null(
    bertie: Bertie, tiny_bert: Path, data: Path
) -> None:
    data.write_text("the river,a boat,0.1\nrain,rain,0.1\na cat,stone,0.1\n", encoding="utf-8")
    ran = bertie("evaluate", "embed", "-m", tiny_bert, "--data", data)
    found = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (found["pearson"], found["spearman"], found["examples"]) == (None, None, 3)


def test_the_precision_of_spans_stands_beside_the_models(
    bertie: Bertie, bert: Path, tmp_path: Path
) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    (tmp_path / "gold.conll").write_text("who\tB-X\nreads\tO\n", encoding="utf-8")
    command = ["evaluate", "tag", "-m", bert, "--data", tmp_path / "gold.conll"]
    found = json.loads(bertie(*command, "--precision", "float32").out)
    assert found["model_precision"] == "float32"
    assert isinstance(found["precision"], float)


def test_tasks_are_those_that_can_be_measured() -> None:
    assert tuple(name.replace("_", "-") for name in MEASURED) == TASKS


def test_a_file_that_does_not_fit_the_task_is_one_line(
    bertie: Bertie, tiny_bert: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.tsv").write_text("one column\n")
    ran = bertie("evaluate", "embed", "-m", tiny_bert, "--data", tmp_path / "a.tsv")
    assert ran.code == 1
    assert "its first row has 1 columns" in ran.err
    assert bertie("evaluate", "embed", "-m", tiny_bert, "--data", tmp_path / "none").code == 2
    assert bertie("evaluate", "dance", "--data", tmp_path / "a.tsv").code == 2
