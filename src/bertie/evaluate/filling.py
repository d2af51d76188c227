"""Metrics of masked words: how often, and how surely, a model has the one that stood there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bertie.calls.probabilities import perplexity
from bertie.errors import InputError


@dataclass(frozen=True)
class FillingScores:
    """How well masked tokens are filled in, each given all others of its text.

    Attributes:
        texts: how many there are.
        tokens: how many were masked, one at a time.
        k: how many fillings of each count.
        accuracy: the share whose best filling is the token that stood there.
        accuracy_at_k: the share with that token among the first k.
        log_likelihood: the mean over tokens of their natural logarithms.
        perplexity: exp(-log_likelihood).
    """

    texts: int
    tokens: int
    k: int
    accuracy: float
    accuracy_at_k: float
    log_likelihood: float
    perplexity: float


def score_fillings(
    ranks: Sequence[Sequence[int]], log_probabilities: Sequence[Sequence[float]], k: int = 10
) -> FillingScores:
    """Judge what a model would fill in by what stood there.

    Args:
        ranks: of each text, of each token, its rank among the fillings, the best at 1.
        log_probabilities: the same, the natural logarithms of their chances.
        k: how many fillings of each count.
    Raises: InputError: there is no token, or k is below 1, or one has more texts or tokens than
        the other.
    Source: Salazar et al., Masked Language Model Scoring, arXiv:1910.14659, for the likelihood,
        here in the mean over all tokens of all texts.
    """
    if k < 1:
        raise InputError(f"k is {k}, expected at least 1")
    if list(map(len, ranks)) != list(map(len, log_probabilities)):
        raise InputError("ranks and log_probabilities differ in length, expected one of each")
    placed = [rank for text in ranks for rank in text]
    if not placed:
        raise InputError(f"{len(ranks)} texts have no tokens, expected one or more")
    mean = math.fsum(log for text in log_probabilities for log in text) / len(placed)
    return FillingScores(
        texts=len(ranks),
        tokens=len(placed),
        k=k,
        accuracy=sum(rank == 1 for rank in placed) / len(placed),
        accuracy_at_k=sum(rank <= k for rank in placed) / len(placed),
        log_likelihood=mean,
        perplexity=perplexity(mean),
    )
