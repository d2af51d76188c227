"""Rows found, and their orders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bertie.calls.records import Record
from bertie.search.fusion import reciprocal_ranks
from bertie.search.rows import KEY

MAX_MATCHES = 10_000  # rows that a search gives


@dataclass(frozen=True)
class Match(Record):
    """A row found.

    Attributes:
        key: what tells it apart.
        score: how well it matches, larger for better: the similarity of vectors, BM25, the fused
            rank, or what a reranker says.
        fields: its columns.
    """

    key: str
    score: float
    fields: Mapping[str, Any]


def top_matches(find: Callable[[int], list[tuple[float, dict[str, Any]]]], k: int) -> list[Match]:
    """Take the best rows, equal ones in the order of their keys, whatever k is.

    Args:
        find: gives so many rows with their scores, of equal ones any.
        k: at most MAX_MATCHES.
    """
    most = k + 1
    while True:
        found = [Match(row.pop(KEY), float(score), row) for score, row in find(most)]
        found.sort(key=lambda match: (-match.score, match.key))
        if len(found) < most or found[-1].score < found[k - 1].score or most > MAX_MATCHES:
            return found[:k]
        most = min(4 * most, MAX_MATCHES + 1)  # the last one shares its place with some unseen


def reranked(query: str, matches: Sequence[Match], model: Any, column: str) -> list[Match]:
    """Order matches by what a cross-encoder says of them.

    Args:
        model: a Reranker.
        column: the one with the text.
    """
    pairs = [(query, str(match.fields[column])) for match in matches]
    return by_scores(matches, model.score(pairs).tolist())


def by_scores(matches: Sequence[Match], scores: Sequence[float]) -> list[Match]:
    """Order matches by scores that they get instead; equal ones stay in order."""
    scored = [replace(match, score=score) for match, score in zip(matches, scores, strict=True)]
    return sorted(scored, key=lambda match: -match.score)


def fuse(rankings: Sequence[Sequence[Match]]) -> list[Match]:
    """Make rankings one, by reciprocal ranks."""
    found = {match.key: match for ranking in rankings for match in ranking}
    ranks = reciprocal_ranks([[match.key for match in ranking] for ranking in rankings])
    return [replace(found[key], score=score) for key, score in ranks]
