"""What every task does with a damaged head, or with nothing to do."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import CheckpointError, InputError, TaskError
from bertie.loading.doctor import CONFLICT, diagnose
from bertie.server.tensors import Tensors, hidden_states
from bertie.tasks.table import TASKS
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import add_fill_head, add_head, add_projection

TEXT = "the old bridge of stone"
# Of each task with a head: the head's kind, outputs and labels, and a call.
CALLS: dict[str, tuple[str, int, list[str] | None, Any]] = {
    "classify": ("sequence_classification", 2, ["a", "b"], lambda m: m.classify(TEXT)),
    "zero_shot": (
        "sequence_classification",
        2,
        ["contradiction", "entailment"],
        lambda m: m.zero_shot(TEXT, ["rain"]),
    ),
    "rank": ("sequence_classification", 1, None, lambda m: m.rank("who?", [TEXT])),
    "tag": ("token_classification", 3, ["O", "B-X", "I-X"], lambda m: m.tag(TEXT)),
    "answer": ("question_answering", 2, None, lambda m: m.answer("who?", TEXT)),
    "next_sentence": ("next_sentence", 2, None, lambda m: m.next_sentence("who?", TEXT)),
    "fill": ("masked_lm", 0, None, lambda m: m.fill("the [MASK] of stone")),
    "sparse": ("masked_lm", 0, None, lambda m: m.embed_sparse(TEXT)),
    "multivector": ("multi_vector", 0, None, lambda m: m.embed_multi(TEXT)),
}


def add(directory: Path, task: str) -> None:
    """Give a copy of the tiny BERT the head that a task needs."""
    kind, outputs, labels, _ = CALLS[task]
    if kind == "masked_lm":
        add_fill_head(directory)
    elif kind == "multi_vector":
        add_projection(directory)
    else:
        add_head(directory, kind, outputs, labels)


def test_every_task_with_a_head_is_here() -> None:
    assert CALLS.keys() == {task.name for task in TASKS.values() if task.head}


@pytest.mark.parametrize("task", CALLS)
def test_a_head_that_a_checkpoint_lacks_is_named_with_those_that_it_has(
    bert: Path, task: str
) -> None:
    other = "tag" if task != "tag" else "answer"
    add(bert, other)
    has = CALLS[other][0].replace("_", " ")
    with pytest.raises(TaskError, match=rf"task '{task}' needs a head .*heads are: .*{has}"):
        bertie.load(bert, task=task)


# Beside them, what gives vectors, which are no logits but may overflow as well.
OVERFLOWING: dict[str, tuple[str, Any]] = {
    **{task: (task, call) for task, (*_, call) in CALLS.items()},
    "queries": ("multivector", lambda m: m.embed_multi(TEXT, kind="query")),
    "embed": ("embed", lambda m: m.embed([TEXT, "rain"])),
    "windows": ("embed", lambda m: m.embed(TEXT * 30, truncate="window")),
    "bits": ("embed", lambda m: m.embed(TEXT, output="ubinary")),
    "stream": ("embed", lambda m: list(m.embed_stream([TEXT]))),
    "tokens": ("embed", lambda m: m.embed_tokens(TEXT)),
}


def blow_up(directory: Path, name: str) -> None:
    """Make a weight so large that what is multiplied by it overflows."""

    def change(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {**tensors, name: np.full_like(tensors[name], 3e38)}

    edit_tensors(directory, change)


@pytest.mark.parametrize("name", OVERFLOWING)
def test_numbers_that_overflow_are_an_error_that_says_where_it_begins(
    bert: Path, name: str
) -> None:
    task, call = OVERFLOWING[name]
    if task in CALLS:
        add(bert, task)
    blow_up(bert, "encoder.layer.1.output.dense.weight")
    model = bertie.load(bert, task=task, precision="float32")
    with pytest.raises(CheckpointError, match=r"NaN or infinite, which begins in layer 1 "):
        call(model)


def test_what_comes_behind_the_layers_may_overflow_as_well(
    bert: Path, tiny_sentence: Path, tmp_path: Path
) -> None:
    add(bert, "multivector")
    blow_up(bert, "linear.weight")
    model = bertie.load(bert, precision="float32")
    for kind in ("query", "document"):
        with pytest.raises(CheckpointError, match=r"vectors are .* begins in the projection"):
            model.embed_multi(TEXT, kind=kind)
    sentence = tmp_path / "sentence"
    shutil.copytree(tiny_sentence, sentence)
    blow_up(sentence / "2_Dense", "linear.weight")
    identity = "torch.nn.modules.linear.Identity"  # tanh would make ones of it
    edit_json(sentence / "2_Dense/config.json", activation_function=identity)
    with pytest.raises(CheckpointError, match=r"vectors are .* begins in the module 'dense 48"):
        bertie.load(sentence, precision="float32").embed(TEXT)


def test_hidden_states_that_overflow_are_not_given_out(bert: Path) -> None:
    blow_up(bert, "encoder.layer.0.output.dense.weight")
    model = bertie.load(bert, precision="float32")
    with pytest.raises(CheckpointError, match=r"hidden states are .* begins in layer 0 "):
        hidden_states(model, [Tensors((1, 2), (1, 1), (0, 0))], None)


def test_the_heads_own_shape_wins_and_the_doctor_says_so(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, ["no", "yes"])
    edit_json(bert / "config.json", num_labels=5, problem_type="single_label_classification")
    assert bertie.load(bert, task="classify").labels == ("no", "yes", "LABEL_2")
    said = [finding.text for finding in diagnose(bert).findings if finding.level == CONFLICT]
    assert any("id2label" in text for text in said), said


@pytest.mark.parametrize(
    ("task", "ask"),
    [
        ("classify", lambda model: model.classify([])),
        ("zero_shot", lambda model: model.zero_shot(TEXT, [])),
        ("zero_shot", lambda model: model.zero_shot(TEXT, ["rain"], top_k=0)),
        ("rank", lambda model: model.rank("who?", [])),
        ("rank", lambda model: model.rank("who?", [TEXT], top_k=0)),
        ("tag", lambda model: model.tag([])),
        ("answer", lambda model: model.answer([], [])),
        ("fill", lambda model: model.fill([])),
        ("sparse", lambda model: model.embed_sparse([])),
        ("multivector", lambda model: model.rank_multi("who?", [])),
        ("multivector", lambda model: model.rank_multi("who?", [TEXT], top_k=0)),
    ],
)
def test_nothing_asked_is_nothing_answered(bert: Path, task: str, ask: Any) -> None:
    add(bert, task)
    assert ask(bertie.load(bert, task=task)) == []


@pytest.mark.parametrize(
    ("task", "ask"),
    [
        ("classify", lambda model: model.classify(TEXT, top_k=99)),
        ("zero_shot", lambda model: model.zero_shot(TEXT, ["rain", "stone"], top_k=99)),
        ("rank", lambda model: model.rank("who?", [TEXT, "rain"], top_k=99)),
        ("multivector", lambda model: model.rank_multi("who?", [TEXT, "rain"], top_k=99)),
    ],
)
def test_more_than_there_is_is_all_there_is(bert: Path, task: str, ask: Any) -> None:
    add(bert, task)
    assert len(ask(bertie.load(bert, task=task))) == 2


def test_a_tokenizer_without_a_mask_fills_nothing(bert: Path) -> None:
    add_fill_head(bert)
    model = bertie.load(bert, task="fill")
    model.mask_token = None
    with pytest.raises(InputError, match="names no mask token, so there is nothing to fill"):
        model.fill("the [MASK]")


def test_a_question_that_leaves_no_room_is_refused(bert: Path) -> None:
    add_head(bert, "question_answering", 2)
    model = bertie.load(bert, task="answer")
    with pytest.raises(InputError, match="question"):
        model.answer("who reads the book " * 20, TEXT)
