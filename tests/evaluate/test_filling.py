"""Scores of masked tokens."""

import math

import pytest

from bertie.errors import InputError
from bertie.evaluate import score_fillings


def test_ranks_and_chances_are_counted_over_all_tokens() -> None:
    logs = [[math.log(0.5), math.log(0.125)], [], [math.log(0.25)]]
    found = score_fillings([[1, 7], [], [3]], logs, k=3)
    assert (found.texts, found.tokens, found.k) == (3, 3, 3)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.accuracy_at_k == pytest.approx(2 / 3)
    assert found.log_likelihood == pytest.approx(math.log(0.25))
    assert found.perplexity == pytest.approx(4)


def test_chances_too_small_for_a_float_are_infinitely_perplexing() -> None:
    found = score_fillings([[9]], [[-1000.0]])
    assert (found.log_likelihood, found.perplexity) == (-1000, math.inf)
    assert score_fillings([[9]], [[-700.0]]).perplexity == pytest.approx(math.exp(700))


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InputError, match="1 texts have no tokens"):
        score_fillings([[]], [[]])
    with pytest.raises(InputError, match="k is 0"):
        score_fillings([[1]], [[-1.0]], k=0)
    with pytest.raises(InputError, match="differ in length"):
        score_fillings([[1, 2]], [[-1.0]])
