"""Texts and pairs get the labels and scores that the head's logits say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import CheckpointError, InputError, TaskError, TruncationWarning
from bertie.tasks.classify import _SCORES, Classifier, Label
from bertie.tokenize import Tokenizer
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import add_head, logits

LABELS = ["rain", "sun", "wind"]
TEXTS: list[Any] = ["the old bridge", ("who sleeps", "the cat sleeps"), "", "a song of the sea"]


@pytest.fixture
def classifier(bert: Path) -> Path:
    """A tiny BERT with three labels."""
    add_head(bert, "sequence_classification", 3, LABELS)
    return bert


def by_hand(directory: Path, item: Any) -> np.ndarray:
    """Compute an input's logits without Bertie's engine."""
    text, pair = item if isinstance(item, tuple) else (item, None)
    encoded = Tokenizer.load(directory).encode(text, pair)
    return logits(directory, "sequence_classification", encoded.ids, encoded.type_ids)


def softmax(row: np.ndarray) -> np.ndarray:
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def test_scores_are_the_heads_best_first(classifier: Path) -> None:
    model = bertie.load(classifier, precision="float32")
    assert isinstance(model, Classifier)
    assert model.labels == tuple(LABELS)
    for item, found in zip(TEXTS, model.classify(TEXTS), strict=True):
        expected = dict(zip(LABELS, softmax(by_hand(classifier, item)), strict=True))
        assert [one.label for one in found] == sorted(LABELS, key=expected.__getitem__)[::-1]
        assert [one.score for one in found] == pytest.approx(
            sorted(expected.values(), reverse=True), abs=1e-5
        )
        assert sum(one.score for one in found) == pytest.approx(1)


def test_raw_scores_are_logits_and_top_k_cuts(classifier: Path) -> None:
    model = bertie.load(classifier, precision="float32")
    (best,) = model.classify("the old bridge", raw=True, top_k=1)
    row = by_hand(classifier, "the old bridge")
    assert best.label == LABELS[row.argmax()]
    assert best.score == pytest.approx(row.max(), abs=1e-4)
    assert best.to_dict() == {"label": best.label, "score": best.score}
    assert model.classify("x", top_k=0) == []
    assert len(model.classify("x", top_k=9)) == 3


def test_one_input_or_many_alone_or_in_company_give_the_same(classifier: Path) -> None:
    model = bertie.load(classifier)
    together = model.classify(TEXTS)
    assert [model.classify(item) for item in TEXTS] == together
    assert list(model.classify_stream(iter(TEXTS))) == together
    assert model.classify(["the", "old"], split_words=True) == model.classify("the old")
    assert model.classify([]) == []


@pytest.mark.parametrize(
    ("problem", "turn"),
    [
        ("multi_label_classification", lambda row: 1 / (1 + np.exp(-row))),
        ("regression", lambda row: row),
        ("single_label_classification", softmax),
    ],
)
def test_the_problem_type_decides_what_scores_are(
    classifier: Path, problem: str, turn: Any
) -> None:
    edit_json(classifier / "config.json", problem_type=problem)
    model = bertie.load(classifier, precision="float32")
    found = {one.label: one.score for one in model.classify("the river")}
    expected = dict(zip(LABELS, turn(by_hand(classifier, "the river")), strict=True))
    assert found == pytest.approx(expected, abs=1e-4)
    assert model.info().settings["score"].origin == "config.json: problem_type"


@pytest.mark.parametrize("problem", [None, *_SCORES])
def test_no_score_of_one_label_is_always_1(bert: Path, problem: str | None) -> None:
    add_head(bert, "sequence_classification", 1, ["rain"], problem_type=problem)
    model = bertie.load(bert, task="classify", precision="float32")
    row = by_hand(bert, "the river")
    ((found,),) = model.classify(["the river"])
    turn = (lambda row: row) if problem == "regression" else lambda row: 1 / (1 + np.exp(-row))
    assert found.score == pytest.approx(turn(row)[0], abs=1e-5)
    if problem == "single_label_classification":
        origin = model.info().settings["score"].origin
        assert origin == "config.json: problem_type, but one output's softmax is always 1"


def test_the_callers_labels_replace_the_checkpoints(classifier: Path) -> None:
    model = bertie.load(classifier, labels=["a", "b", "c"])
    assert model.labels == ("a", "b", "c")
    assert model.info().settings["labels"].origin == "caller"
    assert model.fingerprint != bertie.load(classifier).fingerprint
    for wrong in (["a", "b"], ["a", "a", "b"], "abc", [1, 2, 3]):
        with pytest.raises(InputError, match="labels"):
            bertie.load(classifier, labels=wrong)


def test_a_long_input_is_the_mean_of_its_windows(classifier: Path) -> None:
    model = bertie.load(classifier, precision="float32")
    long = "wind and rain by the river " * 30
    with pytest.warns(TruncationWarning):
        cut = model.classify(long)
    windows = model.classify(long, truncate="window")
    assert windows != cut
    encoded = model.tokenizer.windows(long, max_length=64, stride=16)
    rows = [logits(classifier, "sequence_classification", w.ids, w.type_ids) for w in encoded]
    mean = np.average(rows, axis=0, weights=[len(w.ids) for w in encoded])
    expected = dict(zip(LABELS, softmax(mean), strict=True))
    assert {one.label: one.score for one in windows} == pytest.approx(expected, abs=1e-5)


def test_a_checkpoint_without_such_a_head_says_what_it_has(bert: Path) -> None:
    message = r"task 'classify' needs a head for sequence classification, .* loaded for: embed"
    with pytest.raises(TaskError, match=message):
        bertie.load(bert, task="classify")
    with pytest.raises(
        TaskError, match=r"classify\(\) is of task 'classify', .* loaded for: embed"
    ):
        bertie.load(bert).classify("text")


def test_another_task_of_the_same_checkpoint_is_offered(classifier: Path) -> None:
    model = bertie.load(classifier, task="embed")
    assert model.embed("a text").shape == (24,)
    with pytest.raises(TaskError, match="load it with task='classify'"):
        model.classify("a text")


@pytest.mark.parametrize("where", ["embeddings.LayerNorm.weight", "encoder.layer.1.output.dense"])
def test_logits_that_overflow_never_become_labels(classifier: Path, where: str) -> None:
    def blow_up(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        name = where if where in tensors else f"{where}.weight"
        tensors[name] = np.full_like(tensors[name], 3e38)
        return tensors

    edit_tensors(classifier, blow_up)
    begins = "in the embeddings" if "embeddings" in where else r"in layer 1 \(the first is 0\)"
    with pytest.raises(CheckpointError, match=f"NaN or infinite, which begins {begins}"):
        bertie.load(classifier, precision="float32").classify("the old bridge")


def test_a_label_is_a_small_frozen_record() -> None:
    with pytest.raises(AttributeError):
        Label("a", 0.5).score = 1.0  # type: ignore[misc]
