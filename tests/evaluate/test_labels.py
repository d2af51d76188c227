"""Metrics of labels, on examples worked by hand."""

import pytest

from bertie.errors import InputError
from bertie.evaluate.labels import score_labels


def test_f1_is_that_of_each_label_and_their_mean() -> None:
    # yes: 2 of 3 predicted are right, 2 of 2 found; no: 1 of 1, 1 of 2; F1 4/5 and 2/3.
    scores = score_labels(["yes", "yes", "no", "no"], ["yes", "yes", "yes", "no"])
    assert (scores.examples, scores.accuracy, scores.micro_f1) == (4, 0.75, 0.75)
    assert scores.f1 == pytest.approx({"yes": 4 / 5, "no": 2 / 3})
    assert scores.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_a_label_that_is_only_predicted_counts_in_the_mean() -> None:
    scores = score_labels(["a", "a"], ["a", "b"])
    assert scores.f1 == pytest.approx({"a": 2 / 3, "b": 0})
    assert scores.macro_f1 == pytest.approx(1 / 3)


def test_nothing_right_is_zero() -> None:
    assert score_labels(["a"], ["b"]).macro_f1 == 0


@pytest.mark.parametrize(("gold", "predicted"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_lists_that_do_not_pair_up_are_refused(gold: list[str], predicted: list[str]) -> None:
    with pytest.raises(InputError, match=f"{len(gold)} gold answers and {len(predicted)} pred"):
        score_labels(gold, predicted)
