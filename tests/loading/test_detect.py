"""What a checkpoint was made for is told by its files, and said where by info."""

from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.checkpoint.config import Setting
from tests.editing import edit_json
from tests.tasks.heads import add_head


def purpose(directory: Path) -> Setting:
    """Load a model without saying what for."""
    model = bertie.load(directory)
    found: Setting = model.info().settings["task"]
    assert model.info().task == model.task == found.value
    return found


def test_modules_mean_embeddings(sentence: Path) -> None:
    assert purpose(sentence) == Setting("embed", "modules.json")


@pytest.mark.parametrize(
    ("kind", "outputs", "task"),
    [
        ("sequence_classification", 3, "classify"),
        ("sequence_classification", 1, "rank"),
        ("token_classification", 3, "tag"),
        ("question_answering", 2, "answer"),
    ],
)
def test_the_class_that_was_trained_says_the_task(
    bert: Path, kind: str, outputs: int, task: str
) -> None:
    add_head(bert, kind, outputs)
    found = purpose(bert)
    assert found.value == task
    assert found.origin.startswith("config.json: architectures (BertFor")
    # Without the class's name the head alone tells; a classifier is then one of sequences.
    edit_json(bert / "config.json", architectures=None)
    if kind != "token_classification":
        assert purpose(bert).value == task


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ({"problem_type": "regression"}, "classify"),
        ({"sentence_transformers": {"version": "5"}}, "rank"),
        ({"sbert_ce_default_activation_function": "torch.nn.Sigmoid"}, "rank"),
    ],
)
def test_a_cross_encoder_is_told_from_a_regression(
    bert: Path, config: dict[str, Any], task: str
) -> None:
    add_head(bert, "sequence_classification", 1, **config)
    assert purpose(bert).value == task


def test_a_bare_encoder_embeds(bert: Path) -> None:
    assert purpose(bert) == Setting("embed", "default: no head of another task")


def test_the_callers_word_counts(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3)
    model = bertie.load(bert, task="embed")
    assert model.info().settings["task"] == Setting("embed", "caller")
