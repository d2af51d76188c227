"""Metrics of rankings, on examples worked by hand."""

import math

import pytest

from bertie.errors import InputError
from bertie.evaluate.ranking import score_rankings

JUDGED = {"q": {"a": 3.0, "b": 2.0, "c": 0.0, "d": 1.0}}


def test_a_worked_example() -> None:
    scores = score_rankings(JUDGED, {"q": ["c", "b", "x", "a"]}, k=3)
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert scores.ndcg == pytest.approx(2 / math.log2(3) / best)
    assert (scores.mrr, scores.recall) == (1 / 2, pytest.approx(1 / 3))
    assert (scores.queries, scores.k) == (1, 3)


def test_the_best_ranking_has_every_score_of_one() -> None:
    scores = score_rankings(JUDGED, {"q": ["a", "b", "d", "c"]})
    assert (scores.ndcg, scores.mrr, scores.recall) == (1, 1, 1)


def test_scores_are_means_over_queries_and_a_query_that_found_nothing_has_none() -> None:
    judged = {**JUDGED, "other": {"a": 1.0}, "without": {"a": 0.0}}
    scores = score_rankings(judged, {"q": ["a", "b", "d"], "without": ["a"]})
    assert (scores.queries, scores.ndcg, scores.mrr, scores.recall) == (2, 0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("judged", "k", "said"),
    [
        ({}, 9, "no query has a relevant document"),
        ({"q": {"a": 0.0}}, 9, "no query has a relevant document"),
        (JUDGED, 0, "k is 0, expected at least 1"),
        ({"q": {"a": 1.0, "b": math.inf}}, 9, "query q: document b is inf relevant"),
        ({"q": {"a": math.nan}}, 9, "query q: document a is nan relevant"),
        (JUDGED, 3, "query q: a document is ranked twice"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    judged: dict[str, dict[str, float]], k: int, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        score_rankings(judged, {"q": ["a"] * (k % 9 + 1)}, k)
