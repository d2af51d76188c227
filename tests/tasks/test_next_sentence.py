"""Whether one text follows another is the softmax of the head's first output."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import InputError
from bertie.tasks.next_sentence import PairModel
from tests.tasks.heads import add_head, logits

FIRST = ["the old bridge", "who sleeps", ""]
SECOND = ["of stone", "the cat sleeps in the house", "rain"]


@pytest.fixture
def model(bert: Path) -> PairModel:
    """A tiny BERT that judges pairs, at random."""
    add_head(bert, "next_sentence", 2)
    loaded = bertie.load(bert, precision="float32")
    assert isinstance(loaded, PairModel)
    return loaded


def test_the_first_output_means_that_it_follows(model: PairModel, bert: Path) -> None:
    for first, second in zip(FIRST, SECOND, strict=True):
        encoded = model.tokenizer.encode(first, second)
        row = logits(bert, "next_sentence", encoded.ids, encoded.type_ids)
        expected = np.exp(row[0]) / np.exp(row).sum()
        assert model.next_sentence(first, second) == pytest.approx(expected, abs=1e-5)


def test_one_pair_or_many_give_the_same(model: PairModel) -> None:
    together = model.next_sentence(FIRST, SECOND)
    assert together.shape == (3,)
    alone = [model.next_sentence(*pair) for pair in zip(FIRST, SECOND, strict=True)]
    assert alone == together.tolist()
    assert list(model.next_sentence_stream(zip(FIRST, SECOND, strict=True))) == alone
    assert model.next_sentence(FIRST, "rain")[2] == together[2]
    assert model.next_sentence(FIRST[0], SECOND)[0] == together[0]
    words = model.next_sentence(["the", "old", "bridge"], ["of", "stone"], split_words=True)
    assert words == together[0]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (["a", "b"], ["c"], "first has 2 texts and second 1"),
        ("a", None, "inputs is None"),
        (["a"], [3], r"text 0 \(second of its pair\) is int 3"),
    ],
)
def test_what_is_no_pair_is_refused(
    model: PairModel, first: Any, second: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        model.next_sentence(first, second)
    with pytest.raises(InputError, match="text 0 stands alone"):
        list(model.next_sentence_stream(["alone"]))  # type: ignore[list-item]
