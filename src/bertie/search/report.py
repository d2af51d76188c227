"""What the rows of an index are like: their lengths, what was cut, what is there twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertie.calls.records import Record
from bertie.search.index import Index
from bertie.search.neighbours import nearest_neighbours
from bertie.search.rows import CUT, TOKENS

_SAMPLE = 2000  # rows whose nearest neighbour is looked for, among all rows
_NEAR = (0.99, 0.95, 0.9, 0.8)
_BINS = 20  # of the histogram, from a cosine of 0 to 1; those below 0 count as 0
_QUANTILES = {"least": 0.0, "median": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
_WIDTH = 40  # of a bar, in columns of a terminal


@dataclass(frozen=True)
class IndexReport(Record):
    """What the rows of an index are like.

    Attributes:
        rows: how many there are.
        tokens: of their texts, as the model reads them: least, median, p95, p99, most.
        characters: the same of their texts, in code points.
        truncated: rows whose text lost tokens, and tokens_lost: how many in all.
        repeated: rows whose text another row before them has.
        sampled: rows whose nearest neighbour was looked for.
        near: the share of them with a neighbour of at least that cosine.
        histogram: their neighbours' cosines: each bin's lower edge and how many are in it.
    """

    rows: int
    tokens: dict[str, int]
    characters: dict[str, int]
    truncated: int
    tokens_lost: int
    repeated: int
    sampled: int
    near: dict[str, float]
    histogram: list[tuple[float, int]]

    def lines(self) -> Iterator[str]:
        """Write it for a person."""
        for name in ("tokens", "characters"):
            spread = "  ".join(f"{word} {value:,}" for word, value in getattr(self, name).items())
            yield f"{name:<12}{spread}"
        share = self.truncated / self.rows if self.rows else 0.0
        yield f"truncated   {self.truncated:,} rows ({share:.1%}), {self.tokens_lost:,} tokens lost"
        yield f"repeated    {self.repeated:,} rows have a text that an earlier row has"
        if not self.sampled:
            return
        yield f"nearest     of {self.sampled:,} rows, by cosine:"
        most = max(count for _, count in self.histogram)
        first = next(index for index, (_, count) in enumerate(self.histogram) if count)
        for edge, count in self.histogram[first:]:
            yield f"  {edge:.2f}  {'█' * round(_WIDTH * count / most):<{_WIDTH}}  {count:,}"
        for least, found in self.near.items():
            yield f"  {found:.1%} have a neighbour of {least} or nearer"


def describe(index: Index) -> IndexReport:
    """Describe an index's rows; of a sample of them the nearest neighbours among all."""
    texts: Counter[str] = Counter()
    lengths: list[int] = []
    tokens: list[int] = []
    lost: list[int] = []
    column = index.settings.column
    for batch in index.store.scan([column, TOKENS, CUT]):
        for text in batch.column(column).to_pylist():
            texts[text] += 1
            lengths.append(len(text))
        tokens += batch.column(TOKENS).to_pylist()
        lost += batch.column(CUT).to_pylist()
    _, vectors = index.vectors()
    some = np.empty(0, np.int64)
    if len(vectors) > 1:
        chosen = np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE]
        some = np.sort(chosen).astype(np.int64)
    cosines, _ = nearest_neighbours(vectors, some)
    counts, edges = np.histogram(np.clip(cosines, 0, 1), bins=_BINS, range=(0, 1))
    return IndexReport(
        rows=len(lengths),
        tokens=_quantiles(tokens),
        characters=_quantiles(lengths),
        truncated=sum(one > 0 for one in lost),
        tokens_lost=sum(lost),
        repeated=sum(texts.values()) - len(texts),
        sampled=len(some),
        near={str(least): _share(cosines, least) for least in _NEAR},
        histogram=[
            (round(float(edge), 3), int(count))
            for edge, count in zip(edges[:-1], counts, strict=True)
        ],
    )


def _quantiles(values: list[int]) -> dict[str, int]:
    """The quantiles of some numbers, each one of them."""
    if not values:
        return dict.fromkeys(_QUANTILES, 0)
    found = np.quantile(values, list(_QUANTILES.values()), method="nearest")
    return {name: int(value) for name, value in zip(_QUANTILES, found, strict=True)}


def _share(cosines: NDArray[np.float32], least: float) -> float:
    """The share that is at least so much."""
    return float(np.mean(cosines >= least)) if len(cosines) else 0.0
