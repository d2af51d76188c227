"""SQuAD's metrics, on answers worked by hand."""

import pytest

from bertie.errors import InputError
from bertie.evaluate.squad import exact_match, normalize_answer, score_answers, words_f1


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat's hat.", "cats hat"),
        ("an apple, a day", "apple day"),
        ("theatre", "theatre"),
        ("the", ""),
        ("3,000", "3000"),
        ("Müller–Straße", "müller–straße"),
        ("A B", "b"),
    ],
)
def test_answers_are_normalized_as_squad_does(text: str, normal: str) -> None:
    assert normalize_answer(text) == normal


def test_f1_counts_words_that_are_shared_as_often_as_both_have_them() -> None:
    assert words_f1("the blue blue sky", "blue sky sky") == pytest.approx(2 / 3)
    assert words_f1("sky", "sea") == 0
    assert (words_f1("", "the"), words_f1("", "sea")) == (1, 0)
    assert exact_match("The Sky!", "sky")
    assert not exact_match("sky", "skies")


def test_the_best_of_several_gold_answers_counts() -> None:
    gold = {"1": ["in Rome", "Rome, Italy"], "2": ["1998"], "3": []}
    scores = score_answers(gold, {"1": "rome italy", "2": "in 1998", "3": ""})
    assert (scores.questions, scores.answerable) == (3, 2)
    assert scores.exact_match == pytest.approx(2 / 3)
    assert scores.f1 == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert scores.answerable_f1 == pytest.approx((1 + 2 / 3) / 2)
    assert scores.unanswerable_accuracy == 1


def test_a_question_without_an_answer_that_is_given_one_is_wrong() -> None:
    scores = score_answers({"1": []}, {"1": "something"})
    assert (scores.exact_match, scores.f1, scores.unanswerable_accuracy) == (0, 0, 0)
    assert scores.answerable_f1 is None
    assert score_answers({"1": ["x"]}, {"1": "x"}).unanswerable_accuracy is None


def test_what_is_not_answered_is_refused() -> None:
    with pytest.raises(InputError, match="there are no questions"):
        score_answers({}, {})
    with pytest.raises(InputError, match="1 questions have no answer, such as 2"):
        score_answers({"1": ["x"], "2": ["y"]}, {"1": "x"})
