"""Semantic search over rows of text: in memory, or in an index on the disk."""

from bertie.search.adding import Changes
from bertie.search.corpus import Corpus, Hit
from bertie.search.index import Index
from bertie.search.matches import Match, by_scores, reranked
from bertie.search.ranking import cosine_scores, top_k

__all__ = [
    "Changes",
    "Corpus",
    "Hit",
    "Index",
    "Match",
    "by_scores",
    "cosine_scores",
    "reranked",
    "top_k",
]
