"""Metrics of rankings: which documents a search puts first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertie.errors import InputError


@dataclass(frozen=True)
class RankingScores:
    """How good rankings are, in the mean over their queries.

    Attributes:
        queries: how many there are with a relevant document.
        k: how many of each ranking count.
        ndcg: the gain of the first k, less the further back, as a share of the best possible one.
        mrr: one over the rank of the first relevant document among the first k, else 0.
        recall: the share of relevant documents among the first k.
    """

    queries: int
    k: int
    ndcg: float
    mrr: float
    recall: float


def score_rankings(
    relevance: Mapping[str, Mapping[str, float]],
    rankings: Mapping[str, Sequence[str]],
    k: int = 10,
) -> RankingScores:
    """Compare rankings with judgements of relevance.

    Args:
        relevance: by query, by document, how relevant it is; 0 or less, or absent, is not at all.
        rankings: by query, documents, the best first; a query without one has found nothing.
        k: how many of each ranking count.
    Raises: InputError: no query has a relevant document, k is below 1, or a document is ranked
        twice, or a relevance is NaN or infinite.
    Source: trec_eval's ndcg_cut, recip_rank and recall: the gain is the relevance itself, the
        discount log2 of the rank plus 1 (Järvelin and Kekäläinen, 2002).
    """
    if k < 1:
        raise InputError(f"k is {k}, expected at least 1")
    rows = []
    for query, judged in relevance.items():
        if odd := [document for document, gain in judged.items() if not math.isfinite(gain)]:
            raise InputError(
                f"query {query}: document {odd[0]} is {judged[odd[0]]} relevant, expected a number"
            )
        gains = {document: gain for document, gain in judged.items() if gain > 0}
        ranked = list(rankings.get(query, ()))
        if len(set(ranked)) < len(ranked):
            raise InputError(f"query {query}: a document is ranked twice, expected each once")
        if gains:
            rows.append(_score(gains, ranked[:k], k))
    if not rows:
        raise InputError("no query has a relevant document, expected one or more")
    ndcg, mrr, recall = (math.fsum(column) / len(rows) for column in zip(*rows, strict=True))
    return RankingScores(len(rows), k, ndcg, mrr, recall)


def _score(gains: Mapping[str, float], first: Sequence[str], k: int) -> tuple[float, float, float]:
    """Score one ranking."""
    found = [gains.get(document, 0.0) for document in first]
    best = sorted(gains.values(), reverse=True)[:k]
    ranks = (rank for rank, gain in enumerate(found, start=1) if gain)
    share = sum(map(bool, found)) / len(gains)
    return _discounted(found) / _discounted(best), 1 / next(ranks, math.inf), share


def _discounted(gains: Sequence[float]) -> float:
    """Sum gains, each divided by log2 of its rank plus 1."""
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
