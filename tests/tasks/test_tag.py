"""Entities are spans of the caller's own text, whatever its length."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import pytest

import bertie
from bertie.errors import InputError, TruncationWarning
from bertie.tasks.iob_tags import IobTag
from bertie.tasks.tag import AGGREGATIONS, Span, Tagger
from bertie.tokenize import Tokenizer
from tests.tasks.heads import add_head, logits
from tests.tokenize.hf_tokenizers import KINDS, retokenize, xlm_roberta

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
TEXT = "Fishing boats,  the friendship of ÖLD bridges & singers: 1984!"


@pytest.fixture
def tagger(bert: Path) -> Path:
    """A tiny BERT that tags people and places, at random."""
    add_head(bert, "token_classification", 5, LABELS)
    return bert


def by_hand(directory: Path, text: str) -> tuple[Any, np.ndarray]:
    """Compute the probabilities of a text's tokens without Bertie's engine."""
    encoded = Tokenizer.load(directory).encode(text)
    rows = logits(directory, "token_classification", encoded.ids, encoded.type_ids)[1:-1]
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return encoded, powers / powers.sum(axis=1, keepdims=True)


def test_tokens_stand_alone_without_aggregation(tagger: Path) -> None:
    model = bertie.load(tagger, precision="float32")
    assert isinstance(model, Tagger)
    encoded, scores = by_hand(tagger, TEXT)
    found = model.tag(TEXT, aggregation="none", ignore=[])
    assert len(found) == len(scores)
    for one, row, (start, end) in zip(found, scores, encoded.offsets[1:-1], strict=True):
        assert (one.label, one.start, one.end) == (LABELS[row.argmax()], start, end)
        assert one.text == TEXT[start:end]
        assert one.score == pytest.approx(row.max(), abs=1e-5)
    kept = model.tag(TEXT, aggregation="none")
    assert kept == [one for one in found if one.label != "O"]
    assert model.tag(TEXT, aggregation="none", ignore="B-PER") == [
        one for one in found if one.label != "B-PER"
    ]


@pytest.mark.parametrize("aggregation", ["first", "average", "max"])
def test_a_word_has_one_label(tagger: Path, aggregation: str) -> None:
    model = bertie.load(tagger, precision="float32")
    encoded, scores = by_hand(tagger, TEXT)
    words = encoded.word_ids[1:-1]
    expected = []
    for word in dict.fromkeys(words):
        places = [i for i, of in enumerate(words) if of == word]
        row = {
            "first": scores[places[0]],
            "average": scores[places].mean(axis=0),
            "max": max(scores[places], key=np.max),
        }[aggregation]
        expected.append((LABELS[row.argmax()], row.max(), encoded.offsets[1:-1], places))
    found = model.tag(TEXT, aggregation=aggregation, ignore=[])
    # Every word is in one span, and a span's label is that of each of its words.
    for label, score, offsets, places in expected:
        start, end = offsets[places[0]][0], offsets[places[-1]][1]
        (owner,) = [one for one in found if one.start <= start < one.end]
        assert end <= owner.end
        assert owner.label == label.rpartition("-")[2]
        if (owner.start, owner.end) == (start, end):
            assert owner.score == pytest.approx(score, abs=1e-5)
    assert any(one.end - one.start > 12 for one in found)


def test_simple_joins_tokens_whatever_their_words(tagger: Path) -> None:
    model = bertie.load(tagger, precision="float32")
    tokens = model.tag(TEXT, aggregation="none", ignore=[])
    joined = model.tag(TEXT, aggregation="simple", ignore=[])
    assert "".join(one.text for one in joined).replace(" ", "") == TEXT.replace(" ", "")
    cuts = {one.start for one in joined}
    for before, after in pairwise(tokens):
        same = before.label[1:] == after.label[1:] and not after.label.startswith("B")
        assert (after.start in cuts) == (not same)


def test_one_text_or_many_give_the_same(tagger: Path) -> None:
    model = bertie.load(tagger)
    texts = [TEXT, "", "wind and rain by the river " * 30, "   "]
    together = model.tag(texts)
    assert [model.tag(text) for text in texts] == together
    assert list(model.tag_stream(texts)) == together
    assert together[1] == together[3] == []
    for text, spans in zip(texts, together, strict=True):
        assert all(one.text == text[one.start : one.end] for one in spans)


def test_a_long_text_is_read_whole_and_its_seams_do_not_show(tagger: Path) -> None:
    model = bertie.load(tagger)
    long = "wind and rain by the old river of stone " * 40
    for aggregation in AGGREGATIONS:
        spans = model.tag(long, aggregation=aggregation, ignore=[])
        assert spans[0].start == 0
        assert spans[-1].end == len(long) - 1
        for before, after in pairwise(spans):
            assert before.end <= after.start
            assert not long[before.end : after.start].strip()
    with pytest.warns(TruncationWarning):
        cut = model.tag(long, truncate="right", ignore=[])
    assert cut[-1].end < len(long) / 4
    with pytest.raises(InputError, match="text 0 is 362 tokens long"):
        model.tag(long, truncate="error")


def test_words_come_out_as_they_went_in(tagger: Path) -> None:
    model = bertie.load(tagger, precision="float32")
    words = ["Fishing", "boats", "\u200b", "singers", "of", "1984"]
    spans = model.tag(words, split_words=True)
    assert [one.text for one in spans] == words
    assert [(one.start, one.end) for one in spans] == [(i, i + 1) for i in range(6)]
    assert (spans[2].label, spans[2].score) == ("O", 0.0)
    joined = model.tag(" ".join(words), ignore=[], aggregation="first")
    for one in spans[:2] + spans[3:]:
        at = " ".join(words).index(one.text)
        (owner,) = [span for span in joined if span.start <= at < span.end]
        assert owner.label == one.label.rpartition("-")[2]
    assert model.tag([words, ["boats"]], split_words=True)[0] == spans


@pytest.mark.parametrize("make", KINDS)
def test_words_are_the_text_s_whatever_tokenizer_reads_it(
    tagger: Path, make: Callable[[], object]
) -> None:
    retokenize(tagger, make())
    model = bertie.load(tagger)
    text = " I was near  London,\nin Paris.\u200b (東京😀). "
    words = ["I", "was", "near", "London", ",", "in", "Paris", ".", "(", "東", "京", "😀", ")", "."]
    for aggregation in AGGREGATIONS:
        found = model.tag(text, aggregation=aggregation, ignore=[])
        assert all(one.text == text[one.start : one.end] for one in found)
        assert all(one.text and one.text == one.text.strip(" \n\u200b") for one in found)
    model._tags = tuple(IobTag("S", label) for label in model.labels)  # so that nothing is joined
    for aggregation in ("first", "average", "max"):
        alone = [one.text for one in model.tag(text, aggregation=aggregation, ignore=[])]
        # One token of some of these tokenizers.
        cut = [part for one in alone for part in {"東京": "東京", ").": ")."}.get(one, [one])]
        assert cut == words


@pytest.mark.parametrize("make", KINDS)
def test_a_text_of_white_space_has_no_entities(tagger: Path, make: Callable[[], object]) -> None:
    retokenize(tagger, make())
    model = bertie.load(tagger)
    for aggregation in AGGREGATIONS:
        for text in ("", " ", "\n \t", "\u200b"):
            assert model.tag(text, aggregation=aggregation, ignore=[]) == []


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_no_entity_loses_the_marks_of_its_last_letter(tagger: Path, aggregation: str) -> None:
    model = bertie.load(tagger)
    text = "the cafe\u0301 of re\u0301ne\u0301e\u0301\u0302, the नमस्ते of the مُحَمَّدُ"
    found = model.tag(text, aggregation=aggregation, ignore=[])
    assert found[-1].end == len(text)
    for one in found:
        assert one.text == text[one.start : one.end]
        assert category(f"{text} "[one.end])[0] != "M"
    for word in ("cafe\u0301", "नमस्ते", "مُحَمَّدُ"):
        assert [one.end for one in model.tag(word, ignore=[])] == [len(word)]


def test_words_that_are_split_or_not_have_the_same_labels(tagger: Path) -> None:
    retokenize(tagger, xlm_roberta())
    model = bertie.load(tagger)
    model._tags = tuple(IobTag("S", label) for label in model.labels)
    words = ["near", "Zé", ",", "東", "Paris", "."]
    split = model.tag(words, split_words=True)
    joined = model.tag(" ".join(words), ignore=[])
    assert [one.text for one in joined] == words
    assert [one.label for one in joined] == [one.label for one in split]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aggregation": "last"}, "aggregation is 'last', expected none, simple, first"),
        ({"aggregation": "simple", "split_words": True}, "expected first, average, max"),
        ({"truncate": "middle"}, "truncate is 'middle'"),
        ({"ignore": None}, "ignore is None, expected a list of labels"),
        ({"ignore": [3]}, r"ignore is \[3\], expected a list of labels"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tagger: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bertie.load(tagger).tag(["a text"], **options)


def test_a_span_becomes_json() -> None:
    span = Span("PER", 0.5, "Ada", 3, 6)
    assert span.to_dict() == {"label": "PER", "score": 0.5, "text": "Ada", "start": 3, "end": 6}
