"""Semantic search over rows of text."""

from bertie.search.corpus import Corpus, Hit
from bertie.search.ranking import cosine_scores, top_k

__all__ = ["Corpus", "Hit", "cosine_scores", "top_k"]
