"""Labels of the caller's own, judged by a model of inference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import InputError, TruncationWarning
from bertie.tasks.zero_shot import ZeroShotClassifier
from bertie.tokenize import Tokenizer
from tests.tasks.heads import add_head, logits

TEXTS = ["the old bridge", "a song of the sea"]
LABELS = ["water", "a new book"]


@pytest.fixture
def inference(bert: Path) -> Path:
    """A tiny BERT with the labels of an NLI model."""
    add_head(bert, "sequence_classification", 3, ["Contradiction", "neutral", "ENTAILMENT"])
    return bert


def by_hand(directory: Path, text: str, hypothesis: str) -> np.ndarray:
    """Compute a pair's logits without Bertie's engine."""
    encoded = Tokenizer.load(directory).encode(text, hypothesis)
    return logits(directory, "sequence_classification", encoded.ids, encoded.type_ids)


def softmax(row: Any) -> np.ndarray:
    powers = np.exp(np.array(row) - np.max(row))
    return powers / powers.sum()


def test_labels_share_the_entailment(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot", precision="float32")
    assert isinstance(model, ZeroShotClassifier)
    assert model.info().settings["entailment"].value == "ENTAILMENT"
    for text, found in zip(TEXTS, model.zero_shot(TEXTS, LABELS), strict=True):
        rows = [by_hand(inference, text, f"This example is {label}.") for label in LABELS]
        expected = dict(zip(LABELS, softmax([row[2] for row in rows]), strict=True))
        assert {one.label: one.score for one in found} == pytest.approx(expected, abs=1e-5)
        assert found[0].score >= found[1].score


def test_labels_may_be_judged_alone(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot", precision="float32")
    found = model.zero_shot(TEXTS[0], LABELS, hypothesis="It is {}!", multi_label=True)
    for one in found:
        row = by_hand(inference, TEXTS[0], f"It is {one.label}!")
        assert one.score == pytest.approx(softmax([row[0], row[2]])[1], abs=1e-5)


def test_one_label_is_judged_alone(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot", precision="float32")
    for text, (found,) in zip(TEXTS, model.zero_shot(TEXTS, ["water"]), strict=True):
        row = by_hand(inference, text, "This example is water.")
        assert found.score == pytest.approx(softmax([row[0], row[2]])[1], abs=1e-5)
        assert [found] == model.zero_shot(text, ["water"], multi_label=True)


@pytest.mark.parametrize(
    ("names", "follows", "against"),
    [
        (["entailment", "not_entailment"], 0, 1),
        (["not_entailment", "entailment"], 1, 0),
        (["entailment", "neutral", "contradiction"], 0, 2),
        # transformers takes the first output for contradiction, whatever it is called.
        (["neutral", "entailment", "contradiction"], 1, 2),
        (["no", "neither", "entails"], 2, 0),
    ],
)
def test_the_other_side_of_entailment_is_found(
    bert: Path, names: list[str], follows: int, against: int
) -> None:
    add_head(bert, "sequence_classification", len(names), names)
    model = bertie.load(bert, task="zero_shot", precision="float32")
    row = by_hand(bert, TEXTS[0], "This example is water.")
    (found,) = model.zero_shot(TEXTS[0], ["water"])
    assert found.score == pytest.approx(softmax([row[against], row[follows]])[1], abs=1e-5)


def test_an_only_output_is_a_chance_by_itself(bert: Path) -> None:
    add_head(bert, "sequence_classification", 1, ["entailment"])
    model = bertie.load(bert, task="zero_shot", precision="float32")
    rows = [by_hand(bert, TEXTS[0], f"This example is {label}.")[0] for label in LABELS]
    (alone,) = model.zero_shot(TEXTS[0], LABELS[:1])
    assert alone.score == pytest.approx(1 / (1 + np.exp(-rows[0])), abs=1e-5)
    shared = {one.label: one.score for one in model.zero_shot(TEXTS[0], LABELS)}
    expected = dict(zip(LABELS, softmax(rows), strict=True))
    assert shared == pytest.approx(expected, abs=1e-5)


def test_the_caller_s_entailment_is_never_compared_with_itself(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot", precision="float32")
    row = by_hand(inference, TEXTS[0], "This example is water.")
    (found,) = model.zero_shot(TEXTS[0], ["water"], entailment="Contradiction")
    assert found.score == pytest.approx(softmax([row[2], row[0]])[1], abs=1e-5)


def test_labels_that_are_said_twice_share_and_keep_their_order(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot")
    found = model.zero_shot(TEXTS[0], ["water", "water"])
    assert [(one.label, one.score) for one in found] == [("water", 0.5), ("water", 0.5)]


def test_one_text_or_many_give_the_same(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot")
    together = model.zero_shot(TEXTS, LABELS)
    assert [model.zero_shot(text, LABELS) for text in TEXTS] == together
    assert list(model.zero_shot_stream(TEXTS, LABELS)) == together
    assert model.zero_shot(TEXTS, LABELS, top_k=1) == [found[:1] for found in together]
    assert model.zero_shot(TEXTS, []) == [[], []]
    assert model.zero_shot([], LABELS) == []


def test_a_text_that_is_too_long_is_cut_and_never_its_label(inference: Path) -> None:
    model = bertie.load(inference, task="zero_shot")
    texts = ["a river", "wind and rain " * 40]
    with pytest.warns(TruncationWarning, match="1 of 2 texts had more than the 64 tokens"):
        model.zero_shot(texts, LABELS)
    with pytest.raises(InputError, match=r"text 1 is 13\d tokens long; expected at most 64"):
        model.zero_shot(texts, LABELS, truncate="error")
    assert model.zero_shot(texts, LABELS, truncate="window")


def test_the_entailment_is_asked_for_where_no_name_tells(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3)
    model = bertie.load(bert, task="zero_shot")
    with pytest.raises(InputError, match=r"none of the head's labels \(LABEL_0, .*entailment="):
        model.zero_shot(TEXTS, LABELS)
    assert model.zero_shot(TEXTS[0], LABELS, entailment="LABEL_0")
    with pytest.raises(InputError, match="entailment is 'yes', but the head's labels are: LABEL_0"):
        model.zero_shot(TEXTS, LABELS, entailment="yes")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "water"}, "labels is 'water', expected a list of names"),
        ({"labels": ["a", None]}, "text 1 is None"),
        ({"labels": LABELS, "hypothesis": "no place"}, "hypothesis is 'no place', expected a"),
        ({"labels": LABELS, "top_k": -1}, "top_k is -1"),
        (
            {"labels": ["a", "river " * 70]},
            "the hypothesis of label 1 has .* expected at most 63, so that a text has room in 64",
        ),
        (
            {"labels": ["river " * 45], "truncate": "window"},
            "the hypothesis of label 0 has .* expected at most 47",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(
    inference: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bertie.load(inference, task="zero_shot").zero_shot(TEXTS, **options)
