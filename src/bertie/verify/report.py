"""Two sides compared, and whether they are near enough."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.engine.encoder import PRECISIONS
from bertie.errors import InputError
from bertie.verify.observe import Observed

Floats = NDArray[np.float32]

# Distances from a cosine of 1 that the histogram counts up to: 1e-8, 1e-7, … 1.
_EDGES = tuple(10.0**power for power in range(-8, 1))
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Limits:
    """What two sides must keep to; None: no limit.

    Attributes:
        mean_cosine, least_cosine: of the vectors of each text.
        max_abs: the largest difference between the last layer's hidden states.
        least_tokens: texts of fewer tokens don't count for least_cosine.
    """

    mean_cosine: float | None = None
    least_cosine: float | None = None
    max_abs: float | None = None
    least_tokens: int = 0

    def given(self, min_cosine: float | None, max_abs: float | None) -> "Limits":
        """Put somebody's own limits in the place of these; None leaves them."""
        limits = self
        if min_cosine is not None:
            limits = replace(limits, mean_cosine=None, least_cosine=min_cosine, least_tokens=0)
        return limits if max_abs is None else replace(limits, max_abs=max_abs)


# What each precision keeps to against float32.
_LIMITS: Mapping[str, Limits] = {
    "float32": Limits(mean_cosine=0.99999, least_cosine=0.99999, max_abs=1e-4),
    "bfloat16": Limits(mean_cosine=0.9999, least_cosine=0.9995),
    # Its errors average out over a text's tokens, which a text of a few words doesn't have.
    "int8": Limits(mean_cosine=0.999, least_cosine=0.997, least_tokens=8),
}


def limits_for(*sides: Observed) -> Limits:
    """Give the limits of the least exact precision among the sides."""
    return _LIMITS[max((side.precision for side in sides), key=PRECISIONS.index)]


@dataclass(frozen=True)
class Vectors:
    """How vectors differ.

    Attributes:
        dimensions: floats in one.
        mean_cosine, least_cosine: between the two sides' vectors of each text.
        worst: the text whose cosine is the least.
        counted_cosine: the least of the texts that count for the limit.
        histogram: pairs of a distance, 1 - cosine, and how many texts differ by no more than that
            and by more than the pair before.
        max_abs: the largest difference between two numbers.
    """

    dimensions: int
    mean_cosine: float
    least_cosine: float
    worst: str
    counted_cosine: float
    histogram: tuple[tuple[float, int], ...]
    max_abs: float


@dataclass(frozen=True)
class Ranking:
    """Whether each text finds the same others, by cosine.

    Attributes:
        queries: texts that were looked for, each among all others.
        first: share of them whose nearest text is the same.
        neighbours: how many of the nearest texts are compared.
        shared: mean share of those that both sides find.
    """

    queries: int
    first: float
    neighbours: int
    shared: float


@dataclass(frozen=True)
class Logits:
    """How a head's logits differ.

    Attributes:
        rows: texts, or tokens of a head that reads tokens.
        agreement: share of the rows whose largest logit is the same one.
        max_abs: the largest difference.
    """

    rows: int
    agreement: float
    max_abs: float


@dataclass(frozen=True)
class Report:
    """Two sides compared.

    Attributes:
        sides: what each is.
        texts: how many, and where they are from.
        equal_ids: texts with the same token ids on both sides; None where they aren't known.
        differing: the first text whose token ids differ, or None.
        layers: the largest difference between the hidden states of the embeddings' output and of
            each layer, over the first texts; empty where they aren't known.
        vectors, ranking: about the vectors.
        heads: about each head that both have.
        limits: what was to be kept.
        faults: which limits aren't kept, in words.
    """

    sides: tuple[Mapping[str, Any], Mapping[str, Any]]
    texts: Mapping[str, Any]
    equal_ids: int | None
    differing: str | None
    layers: tuple[float, ...]
    vectors: Vectors
    ranking: Ranking | None
    heads: Mapping[str, Logits]
    limits: Limits
    faults: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether everything is within the limits."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return {"passed": self.passed, **asdict(self)}


def compare(
    one: Observed, other: Observed, texts: Sequence[str], origin: str, limits: Limits | None = None
) -> Report:
    """Compare two sides.

    Args:
        one, other: what was seen of each, for the same texts.
        texts: them.
        origin: where they are from.
        limits: what must be kept; None takes those of the precisions.
    Raises: InputError: vectors of different dimensions, which are no versions of one model.
    """
    if one.vectors.shape != other.vectors.shape:
        raise InputError(
            f"{one.about['source']} gives vectors {one.vectors.shape} and"
            f" {other.about['source']} {other.vectors.shape}: expected the same shape of two"
            " versions of one model"
        )
    limits = limits or limits_for(one, other)
    alike = _alike(one, other)
    vectors = _vectors(one, other, texts, limits.least_tokens)
    layers = _layers(one, other, alike)
    differing = None if alike is None or all(alike) else texts[alike.index(False)]
    return Report(
        sides=(one.about, other.about),
        texts={"count": len(texts), "origin": origin},
        equal_ids=None if alike is None else sum(alike),
        differing=differing,
        layers=layers,
        vectors=vectors,
        ranking=_ranking(one.vectors, other.vectors),
        heads=_heads(one, other, alike),
        limits=limits,
        faults=tuple(_faults(limits, vectors, layers, differing)),
    )


def _alike(one: Observed, other: Observed) -> list[bool] | None:
    """Tell for each text whether its token ids are the same."""
    if one.ids is None or other.ids is None:
        return None
    return [mine == its for mine, its in zip(one.ids, other.ids, strict=True)]


def _layers(one: Observed, other: Observed, alike: list[bool] | None) -> tuple[float, ...]:
    """Find each layer's largest difference, where the tokens of all sampled texts are the same."""
    if one.hidden is None or other.hidden is None or alike is None:
        return ()
    if not all(alike[: one.sampled]) or one.hidden.shape != other.hidden.shape:
        return ()
    # A layer at a time: differences of all would take as much memory again.
    pairs = zip(one.hidden, other.hidden, strict=True)
    return tuple(float(np.abs(mine - its).max(initial=0)) for mine, its in pairs)


def _vectors(one: Observed, other: Observed, texts: Sequence[str], least_tokens: int) -> Vectors:
    """Compare vectors."""
    cosines = _cosines(one.vectors, other.vectors)
    distances = np.clip(1 - cosines, 0, None)
    upper = np.searchsorted(_EDGES, distances)
    counts = np.bincount(np.minimum(upper, len(_EDGES)), minlength=len(_EDGES) + 1)
    edges = (*_EDGES, 2.0)
    long = np.array([len(ids) >= least_tokens for ids in one.ids or other.ids or ()], bool)
    counted = cosines[long] if long.any() else cosines
    return Vectors(
        dimensions=one.vectors.shape[1],
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
        worst=texts[int(cosines.argmin())],
        counted_cosine=float(counted.min()),
        histogram=tuple(zip(edges, counts.tolist(), strict=True)),
        max_abs=float(np.abs(one.vectors - other.vectors).max()),
    )


def _cosines(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Give the cosine of each pair of rows; two zero rows are the same."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    same = (a == b).all(axis=1)
    products = np.einsum("ij,ij->i", a, b)
    found: NDArray[np.float64] = np.where(same, 1.0, products / np.where(lengths, lengths, 1))
    return found


def _ranking(one: Floats, other: Floats) -> Ranking | None:
    """Rank all other texts for each, on both sides; None for fewer than three."""
    count = len(one)
    if count < 3:
        return None
    neighbours = min(_NEIGHBOURS, count - 1)
    mine, its = _nearest(one, neighbours), _nearest(other, neighbours)
    shared = [len(set(a) & set(b)) for a, b in zip(mine.tolist(), its.tolist(), strict=True)]
    return Ranking(
        queries=count,
        first=float((mine[:, 0] == its[:, 0]).mean()),
        neighbours=neighbours,
        shared=float(np.mean(shared)) / neighbours,
    )


def _nearest(vectors: Floats, count: int) -> NDArray[np.intp]:
    """Find each row's nearest other rows, the nearest first; of equals the earlier."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths, lengths, 1)
    scores = unit @ unit.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def _heads(one: Observed, other: Observed, alike: list[bool] | None) -> dict[str, Logits]:
    """Compare the logits of the heads that both sides have."""
    if alike is None or not all(alike[: one.sampled]):
        return {}
    return {
        kind: _logits(mine, other.logits[kind])
        for kind, mine in one.logits.items()
        if kind in other.logits and other.logits[kind].shape == mine.shape
    }


def _logits(one: Floats, other: Floats) -> Logits:
    """Compare one head's logits."""
    same = one.argmax(axis=1) == other.argmax(axis=1)
    return Logits(len(one), float(same.mean()), float(np.abs(one - other).max()))


def _of(limits: Limits) -> str:
    """Say which texts count for the least cosine."""
    least = limits.least_tokens
    return f" of texts with {least} tokens or more" if least else ""


def _faults(
    limits: Limits, vectors: Vectors, layers: tuple[float, ...], differing: str | None
) -> list[str]:
    """Say which limits aren't kept."""
    faults = []
    if differing is not None:
        faults.append(f"token ids differ, first for the text {differing!r}")
    for name, value, limit in (
        ("mean cosine", vectors.mean_cosine, limits.mean_cosine),
        (f"least cosine{_of(limits)}", vectors.counted_cosine, limits.least_cosine),
    ):
        # Not "<", which would let a NaN pass.
        if limit is not None and not value >= limit:
            faults.append(f"the {name} is {value:.6f}, expected at least {limit:g}")
    found = layers[-1] if layers else vectors.max_abs
    what = "hidden states" if layers else "vectors"
    if limits.max_abs is not None and not found <= limits.max_abs:
        faults.append(f"{what} differ by up to {found:.3g}, expected at most {limits.max_abs:g}")
    return faults
