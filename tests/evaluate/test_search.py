"""Collections are searched by every kind of vector."""

from pathlib import Path

import numpy as np
import pytest

from bertie.evaluate.collection import Collection
from bertie.evaluate.search import multivector_scores, search, sparse_scores
from bertie.loading.load import load
from bertie.tasks.multivector import maxsim
from tests.tasks.heads import add_fill_head, add_projection

DOCUMENTS = ["the old bridge, of stone", "cold rain", "a child reads the book"]
QUERIES = ["who reads", "a bridge"]


def nothing(done: int, of: int) -> None:
    """Hear nothing."""


def test_the_best_stand_first_and_equals_in_order() -> None:
    collection = Collection({"a": "x", "b": "y", "c": "z"}, {"q": "?"}, {"q": {"c": 1.0, "b": 0.0}})
    scores = {"c": [0, 0, 1], "a": [1, 1, 1]}
    for best, place in (("c", 1), ("a", 3)):
        found = search(collection, lambda d, q, row=scores[best]: [np.array(row)], 3)
        assert found.mrr == pytest.approx(1 / place)
    assert search(collection, lambda d, q: [np.zeros(3)], 2).recall == 0


def test_sparse_vectors_are_compared_by_their_products(bert: Path) -> None:
    pytest.importorskip("scipy", reason="SciPy has the matrix of sparse vectors")
    add_fill_head(bert)
    model = load(bert, task="sparse", precision="float32")
    documents, queries = (
        model.csr(model.embed_sparse(texts)).toarray() for texts in (DOCUMENTS, QUERIES)
    )
    found = list(sparse_scores(model, nothing)(DOCUMENTS, QUERIES))
    assert np.array(found) == pytest.approx(queries @ documents.T, rel=1e-5)


def test_tokens_are_compared_by_their_best(bert: Path) -> None:
    add_projection(bert)
    model = load(bert, task="multivector", precision="float32")
    documents = model.embed_multi(DOCUMENTS)
    seen: list[tuple[int, int]] = []
    scorer = multivector_scores(model, lambda done, of: seen.append((done, of)))
    found = list(scorer(DOCUMENTS, QUERIES))
    for row, query in zip(found, model.embed_multi(QUERIES, kind="query"), strict=True):
        assert row.tolist() == [maxsim(query, document) for document in documents]
    assert seen == [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)]
