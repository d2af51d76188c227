"""Answers are the best spans of the context over all windows."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import pytest

import bertie
from bertie.errors import CheckpointError, InputError
from bertie.tasks.answer import Answer, Reader
from tests.tasks.heads import add_head, logits
from tests.tokenize.hf_tokenizers import KINDS, retokenize

QUESTION = "Who sleeps?"
CONTEXT = "The  CAT sleeps in the small house; nobody knows wonderful friendships by the river."


@pytest.fixture
def reader(bert: Path) -> Path:
    """A tiny BERT that answers, at random."""
    add_head(bert, "question_answering", 2)
    return bert


def every_span(directory: Path, context: str, longest: int) -> list[tuple[float, int, int]]:
    """Try all spans of a context of one window without Bertie's engine."""
    tokenizer = bertie.load(directory).tokenizer
    encoded = tokenizer.encode(QUESTION, context)
    rows = logits(directory, "question_answering", encoded.ids, encoded.type_ids)
    places = [i for i, kind in enumerate(encoded.type_ids) if kind == 1][:-1]
    return sorted(
        (
            (rows[i, 0] + rows[j, 1], encoded.offsets[i][0], encoded.offsets[j][1])
            for i in places
            for j in places
            if i <= j < i + longest
        ),
        reverse=True,
    )


@pytest.mark.parametrize("longest", [1, 3, 15])
def test_the_answer_is_the_best_of_all_spans(reader: Path, longest: int) -> None:
    model = bertie.load(reader, precision="float32")
    assert isinstance(model, Reader)
    spans = every_span(reader, CONTEXT, longest)
    found = model.answer(QUESTION, CONTEXT, max_answer_length=longest, whole_words=False)
    _, start, end = spans[0]
    assert (found.text, found.start, found.end) == (CONTEXT[start:end], start, end)
    powers = np.exp(np.array([span[0] for span in spans[:20]]) - spans[0][0])
    assert found.score == pytest.approx(powers[0] / powers.sum(), abs=1e-4)


def test_several_answers_do_not_overlap(reader: Path) -> None:
    model = bertie.load(reader)
    found = model.answer(QUESTION, CONTEXT, top_k=5, max_answer_length=4)
    assert 1 < len(found) <= 5
    assert found == sorted(found, key=lambda one: -one.score)
    places = sorted((one.start, one.end) for one in found)
    assert all(a[1] <= b[0] for a, b in pairwise(places))
    assert found[0] == model.answer(QUESTION, CONTEXT, max_answer_length=4)


def test_answers_are_whole_words_of_the_context(reader: Path) -> None:
    model = bertie.load(reader)
    for one in model.answer(QUESTION, CONTEXT, top_k=9, max_answer_length=3):
        assert one.text == CONTEXT[one.start : one.end]
        before, after = f" {CONTEXT}"[one.start], f"{CONTEXT} "[one.end]
        assert not (before + one.text[0]).isalnum()
        assert not (one.text[-1] + after).isalnum()


@pytest.mark.parametrize("make", KINDS)
def test_answers_are_words_whatever_tokenizer_reads_the_context(
    reader: Path, make: Callable[[], object]
) -> None:
    retokenize(reader, make())
    model = bertie.load(reader)
    context = " I was near  London,\nin Paris.\u200b (東京😀). "
    for longest in (1, 2, 3):
        for one in model.answer(
            QUESTION, context, top_k=40, max_answer_length=longest, no_answer=False
        ):
            assert one.text == context[one.start : one.end]
            assert one.text
            assert one.text == one.text.strip(" \n\u200b")
            before, after = f" {context}"[one.start], f"{context} "[one.end]
            inside = before + one.text[0], one.text[-1] + after
            assert not any(both.isascii() and both.isalnum() for both in inside)
            if longest == 1:  # one word, or what one token reaches over
                assert one.text in ("東京", ").") or one.text.isalnum() or len(one.text) == 1
        for part in model.answer(
            QUESTION, context, top_k=40, max_answer_length=longest, whole_words=False
        ):
            assert part.text == part.text.strip(" \n\u200b")
            assert part.text
    for blank in (" ", "\n\t ", "\u200b"):
        assert model.answer(QUESTION, blank) == Answer("", 1.0, 0, 0)


@pytest.mark.parametrize("whole_words", [True, False])
def test_no_answer_loses_the_marks_of_its_last_letter(reader: Path, whole_words: bool) -> None:
    model = bertie.load(reader)
    context = "the cafe\u0301 of नमस्ते"
    found = model.answer(QUESTION, context, top_k=40, whole_words=whole_words)
    assert {"cafe\u0301", "नमस्ते"} & {one.text.split(" ")[-1] for one in found}
    for one in found:
        assert one.text == context[one.start : one.end]
        assert category(f"{context} "[one.end])[0] != "M"


def test_an_answer_of_any_length_may_be_asked_for(reader: Path) -> None:
    model = bertie.load(reader)
    asked = model.answer(QUESTION, CONTEXT, max_answer_length=10**12)
    assert asked == model.answer(QUESTION, CONTEXT, max_answer_length=64)


def test_one_question_or_many_give_the_same(reader: Path) -> None:
    model = bertie.load(reader)
    questions = [QUESTION, "what", ""]
    together = model.answer(questions, CONTEXT)
    assert [model.answer(question, CONTEXT) for question in questions] == together
    assert model.answer(questions, [CONTEXT] * 3) == together
    pairs = [(question, CONTEXT) for question in questions]
    assert list(model.answer_stream(pairs)) == together
    assert model.answer([], CONTEXT) == []
    assert model.answer(QUESTION, [CONTEXT, CONTEXT]) == [together[0]] * 2


def test_a_long_context_is_read_in_windows(reader: Path) -> None:
    model = bertie.load(reader)
    long = ("wind and rain by the old river of stone " * 60) + CONTEXT
    found = model.answer(QUESTION, long, top_k=20)
    assert all(one.text == long[one.start : one.end] for one in found)
    assert max(one.end for one in found) > len(long) / 2
    with pytest.raises(InputError, match=r"text 0 is 5\d\d tokens long"):
        model.answer(QUESTION, long, truncate="error")


def test_there_may_be_no_answer(reader: Path) -> None:
    model = bertie.load(reader, precision="float32")
    assert model.answer(QUESTION, "") == Answer("", 1.0, 0, 0)
    sure = model.answer(QUESTION, CONTEXT, no_answer=True, threshold=1e9)
    assert sure.text
    never = model.answer(QUESTION, CONTEXT, no_answer=True, threshold=-1e9, top_k=3)
    assert (never[0].text, never[0].start, never[0].end) == ("", 0, 0)
    assert never[1].text == sure.text
    assert never[1].score == sure.score


def test_no_answer_stands_where_its_score_puts_it(reader: Path) -> None:
    model = bertie.load(reader, precision="float32")
    for context in (CONTEXT, "near the river", "a", "wind and rain by the old river of stone"):
        found = model.answer(QUESTION, context, no_answer=True, threshold=1e9, top_k=99)
        assert found[0].text, "the threshold keeps it from being the answer"
        scores = [one.score for one in found[1:]]
        assert scores == sorted(scores, reverse=True)
        assert [one.text for one in found].count("") == 1


@pytest.mark.parametrize(
    ("question", "context", "options", "message"),
    [
        (["a", "b"], ["c"], {}, "questions has 2 texts and contexts 1, expected as many"),
        (["a", None], "c", {}, "text 1 is None"),
        ("wind " * 60, "c", {}, "question 0 has 63 tokens .*, expected at most 47"),
        ("a", "b", {"top_k": 0}, "top_k is 0, expected a number of at least 1"),
        ("a", "b", {"max_answer_length": 0}, "max_answer_length is 0"),
        ("a", "b", {"threshold": "much"}, "threshold is 'much', expected a number"),
        ("a", "b", {"threshold": float("nan")}, "threshold is nan, expected a number"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    reader: Path, question: Any, context: Any, options: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bertie.load(reader).answer(question, context, **options)


def test_a_head_of_another_size_is_refused(bert: Path) -> None:
    add_head(bert, "question_answering", 3)
    with pytest.raises(CheckpointError, match="question_answering can't be used"):
        bertie.load(bert)
