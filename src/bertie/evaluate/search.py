"""Searching a collection: all documents ranked for every query, by each kind of vector."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.evaluate.collection import Collection
from bertie.evaluate.progress import Progress, with_progress
from bertie.evaluate.ranking import RankingScores, score_rankings
from bertie.tasks.multivector import maxsim

Floats = NDArray[np.float32]
# Given documents and queries, the scores of all documents for each query.
Scorer = Callable[[Sequence[str], Sequence[str]], Iterable[NDArray[Any]]]

# Prompts that checkpoints have for what is searched.
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


def search(collection: Collection, scorer: Scorer, k: int) -> RankingScores:
    """Rank all documents for every query.

    Args:
        collection: which documents there are, and which answer which query.
        scorer: how well documents answer queries; equal ones keep the collection's order.
        k: how many of each ranking count.
    """
    ids = list(collection.documents)
    scores = scorer(list(collection.documents.values()), list(collection.queries.values()))
    rankings = {}
    for query, row in zip(collection.queries, scores, strict=True):
        best = np.argsort(-row, kind="stable")[:k]
        rankings[query] = [ids[index] for index in best.tolist()]
    return score_rankings(collection.relevance, rankings, k)


def vector_scores(model: Any, progress: Progress) -> Scorer:
    """Score by an Embedder's cosines, with its prompts for queries and documents."""

    def scores(documents: Sequence[str], queries: Sequence[str]) -> Iterator[Floats]:
        prompts = model.info().settings["prompts"].value
        prompt = next((name for name in _DOCUMENT_PROMPTS if name in prompts), None)
        vectors = unit_vectors(model, documents, progress, prompt_name=prompt)
        query_prompt = "query" if "query" in prompts else None
        for vector in unit_vectors(model, queries, progress, prompt_name=query_prompt):
            yield np.einsum("nd,d->n", vectors, vector)

    return scores


def sparse_scores(model: Any, progress: Progress) -> Scorer:
    """Score by the dot products of a SparseEmbedder's vectors; needs SciPy."""

    def scores(documents: Sequence[str], queries: Sequence[str]) -> Iterator[Floats]:
        matrix, query_matrix = (
            model.csr(with_progress(model.embed_sparse_stream(texts), len(texts), progress))
            for texts in (documents, queries)
        )
        for row in query_matrix:
            yield (matrix @ row.T).toarray()[:, 0]

    return scores


def multivector_scores(model: Any, progress: Progress) -> Scorer:
    """Score by MaxSim over a MultiVectorEmbedder's vectors, which all stand in memory."""

    def scores(documents: Sequence[str], queries: Sequence[str]) -> Iterator[NDArray[Any]]:
        stream = model.embed_multi_stream(documents)
        matrices = list(with_progress(stream, len(documents), progress))
        query_stream = model.embed_multi_stream(queries, kind="query")
        for query in with_progress(query_stream, len(queries), progress):
            yield np.array([maxsim(query, matrix) for matrix in matrices])

    return scores


def unit_vectors(
    model: Any, texts: Sequence[str], progress: Progress, *, prompt_name: str | None = None
) -> Floats:
    """Embed texts as vectors of length 1.

    Args:
        model: an Embedder.
        texts: what to embed.
        progress: called with texts done, and those there are.
        prompt_name: which of its prompts to put before them.
    Returns: (texts, dimensions) float32.
    """
    stream = model.embed_stream(texts, normalize=True, prompt_name=prompt_name)
    vectors = np.empty((len(texts), model.dimensions), np.float32)
    for index, vector in enumerate(with_progress(stream, len(texts), progress)):
        vectors[index] = vector
    return vectors
