"""Rows of text with their vectors, and the search among them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError
from bertie.search import vector_cache
from bertie.search.ranking import cosine_scores, top_k
from bertie.tables import Row


class Embedder(Protocol):
    """What the search needs of a model."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, inputs: str) -> NDArray[np.float32]: ...

    def embed_stream(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]: ...


@dataclass(frozen=True)
class Hit:
    """A row found, and the cosine of its vector and the query's."""

    score: float
    row: Row


class Corpus:
    """Rows in memory, each with the vector of one of its columns."""

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        column: str,
        model: Embedder,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Embed the rows, or take their vectors from the cache.

        Args:
            column: the text column.
            progress: called with the rows embedded so far and the rows in all.
        Raises: InputError: there are no rows.
        """
        self.rows: Sequence[Row] = tuple(rows)
        if not self.rows:
            raise InputError("there are no rows to search in, expected at least one")
        self._model = model
        texts = [row.fields[column] for row in self.rows]
        self.vectors = _vectors(texts, model, progress)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """Find the rows closest to a query.

        Args:
            k: how many at most.
        Returns: best first; of equal ones the earlier row first.
        Raises: InputError: k is less than one, or the query is no text.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is {k!r}, expected at least 1")
        scores = cosine_scores(self.vectors, _normalized(self._model.embed(query)))
        return [Hit(float(scores[index]), self.rows[index]) for index in top_k(scores, k)]


def _vectors(
    texts: list[str], model: Embedder, progress: Callable[[int, int], None] | None
) -> NDArray[np.float32]:
    """The vectors of texts, of length one, from the cache or else into it."""
    key = vector_cache.key_of(texts, model.fingerprint)
    cached = vector_cache.load(key, len(texts), model.dimensions)
    if cached is not None:
        return cached
    vectors = np.empty((len(texts), model.dimensions), np.float32)
    for index, vector in enumerate(model.embed_stream(texts)):
        vectors[index] = vector
        if progress is not None:
            progress(index + 1, len(texts))
    vectors = _normalized(vectors)
    vector_cache.store(key, vectors)
    return vectors


def _normalized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors made of length one; a vector of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = np.zeros_like(vectors)
    np.divide(vectors, lengths, out=unit, where=lengths > 0)
    return unit
