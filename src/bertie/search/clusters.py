"""Rows sorted into topics: k-means over their vectors."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.records import Record
from bertie.errors import ExtraMissing, InputError
from bertie.search.neighbours import Floats

if TYPE_CHECKING:
    from bertie.search.index import Index

_MINI_BATCH_FROM = 50_000  # rows from which k-means reads them in batches
_STARTS = 4  # of k-means, of which the best counts
_EXAMPLES, _WORDS = 3, 6
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Cluster(Record):
    """Rows about one thing.

    Attributes:
        number: from 0, the largest first.
        rows: how many it has.
        cohesion: the mean cosine of its rows and its centre.
        words: those that its texts have more often than the others.
        examples: the texts nearest to its centre.
    """

    number: int
    rows: int
    cohesion: float
    words: list[str]
    examples: list[str]


def clusters(
    index: "Index", count: int | None = None, *, seed: int = 0
) -> tuple[list[Cluster], dict[str, int]]:
    """Sort the rows of an index into clusters, by k-means on vectors of length 1.

    Args:
        count: of clusters; None takes the root of half the rows, from 2 to 100.
        seed: of the random starts; equal rows, count and seed give equal clusters.
    Returns: the clusters, and each row's by its key.
    Raises: InputError: fewer rows than clusters, or fewer than two of either.
    Raises: ExtraMissing: scikit-learn isn't installed.
    """
    column = index.settings.column
    rows, vectors = index.vectors([column])
    if count is None:
        count = int(min(100, max(2, (len(rows) / 2) ** 0.5)))
    if not 2 <= count <= len(rows):
        raise InputError(
            f"clusters are {count}, expected 2 to {len(rows)}, the rows that there are"
        )
    found = _k_means(vectors, count, seed)
    sizes = np.bincount(found, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    labels = np.empty(count, np.int64)
    labels[order] = np.arange(count)
    numbers = labels[found]
    texts = [row["fields"][column] for row in rows]
    described = _describe(texts, vectors, numbers, count)
    return described, {row["key"]: int(n) for row, n in zip(rows, numbers, strict=True)}


def _k_means(vectors: Floats, count: int, seed: int) -> NDArray[np.int64]:
    """Each row's cluster."""
    try:
        from sklearn.cluster import KMeans, MiniBatchKMeans
    except ImportError as error:
        raise ExtraMissing("clusters need scikit-learn: pip install 'bertie[search]'") from error
    kind: Any = MiniBatchKMeans if len(vectors) >= _MINI_BATCH_FROM else KMeans
    # Fewer distinct rows than clusters leave some empty, of which scikit-learn warns.
    count = min(count, len(np.unique(vectors, axis=0)))
    found = kind(n_clusters=count, n_init=_STARTS, random_state=seed).fit_predict(vectors)
    return np.asarray(found, np.int64)


def _describe(
    texts: Sequence[str], vectors: Floats, numbers: NDArray[np.int64], count: int
) -> list[Cluster]:
    """Say what clusters are about; those without rows are left out."""
    words = [
        _document_counts(texts[n] for n in np.flatnonzero(numbers == one).tolist())
        for one in range(count)
    ]
    everywhere = sum(words, Counter())
    described = []
    for number in range(count):
        own = np.flatnonzero(numbers == number)
        if not len(own):
            continue
        centre = vectors[own].mean(axis=0)
        centre /= max(float(np.linalg.norm(centre)), 1e-12)
        cosines = vectors[own] @ centre
        nearest = own[np.argsort(-cosines, kind="stable")]
        examples = list(dict.fromkeys(texts[n] for n in nearest[:50]))[:_EXAMPLES]
        described.append(
            Cluster(
                number,
                len(own),
                round(float(cosines.mean()), 4),
                _characteristic_words(words[number], everywhere, len(own), len(texts)),
                examples,
            )
        )
    return described


def _document_counts(texts: Iterable[str]) -> Counter[str]:
    """Count in how many texts each word is."""
    return Counter(word for text in texts for word in set(_WORD.findall(text.lower())))


def _characteristic_words(
    own: Counter[str], everywhere: Counter[str], rows: int, all_rows: int
) -> list[str]:
    """The words that tell most of a cluster's rows from all rows, in the sense of Kullback."""
    above = {
        word: times / rows * math.log(times / rows * all_rows / everywhere[word])
        for word, times in own.items()
    }
    best = sorted(above, key=lambda word: (-above[word], word))
    return [word for word in best[:_WORDS] if above[word] > 0]
