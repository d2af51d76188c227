"""What a checkpoint was made for is told by its files, and said where by info."""

from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.checkpoint.config import Setting
from bertie.loading.detect import class_notes, detect
from bertie.opened import open_source
from tests.architectures import write
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


def written(folder: Path, name: str, kind: str) -> Path:
    """Write a model of its authors' names, with a vocabulary."""
    write(folder, name, kind)
    vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"
    (folder / "vocab.txt").write_text(vocab, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["neobert", "nomic_bert-authors"])
def test_authors_own_classes_say_the_task(name: str, tmp_path: Path) -> None:
    opened = open_source(written(tmp_path / "words", name, "masked_lm"))
    (stated,) = opened.checkpoint.raw_config["architectures"]
    assert detect(opened) == Setting("fill", f"config.json: architectures ({stated})")
    bare = open_source(written(tmp_path / "bare", name, "pooler"))
    assert detect(bare).value == "embed"
    assert class_notes(bare) == ()


def test_an_authors_class_tells_the_architecture(tmp_path: Path) -> None:
    folder = written(tmp_path, "neobert", "pooler")
    edit_json(folder / "config.json", model_type=None)
    assert open_source(folder).checkpoint.config.model_type == "neobert"
