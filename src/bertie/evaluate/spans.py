"""Metrics of spans: names found in tagged words, by the rules of CoNLL's conlleval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bertie.errors import InputError
from bertie.evaluate.labels import f1_of, require_alike

Span = tuple[int, int, str]  # first word, word after the last, type


@dataclass(frozen=True)
class SpanScores:
    """How well spans are found; one is right if it begins, ends and is called as in gold.

    Attributes:
        sentences: how many there are.
        gold: spans there are.
        predicted: spans that a model gives.
        precision: the share of those predicted that is right.
        recall: the share of those in gold that was found.
        f1: the harmonic mean of both.
        by_type: the F1 of each type of span.
    """

    sentences: int
    gold: int
    predicted: int
    precision: float
    recall: float
    f1: float
    by_type: dict[str, float]


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Read spans from the tags of a sentence's words.

    Args:
        tags: "O", or a type after B-, I-, E-, L-, S- or U- (IO, BIO, BIOES, BILOU).
    Returns: each span's first word, the word after its last, and its type, in order.
    Raises: InputError: a tag that is none of these.
    Source: conlleval.pl of CoNLL-2000: I- after another type, or after O, begins a span; E- and L-
        end one, S- and U- are one by themselves.
    """
    return list(_spans(tags))


def _spans(tags: Sequence[str]) -> Iterator[Span]:
    """Walk over the tags with the span that is open."""
    start, kind = 0, ""
    for index, tag in enumerate([*tags, "O"]):
        mark, dash, named = tag.partition("-")
        if mark not in set("OBIELSU") or (mark == "O") != (not dash) or (dash and not named):
            raise InputError(
                f"tag {tag!r} of word {index + 1}: expected O, or one of B-, I-, E-, L-, S-, U- and"
                " a type"
            )
        if kind and (mark in "OBSU" or named != kind):
            yield start, index, kind
            kind = ""
        if mark != "O" and not kind:
            start, kind = index, named
        if kind and mark in "ELSU":
            yield start, index + 1, kind
            kind = ""


def score_spans(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> SpanScores:
    """Compare the tags of sentences, span by span.

    Args:
        gold: for each sentence its words' tags.
        predicted: the same as a model gives them.
    Raises: InputError: sentences or words that don't pair up, or a tag that is none.
    """
    require_alike(gold, predicted)
    right: list[str] = []
    ours: list[str] = []
    theirs: list[str] = []
    for number, (one, other) in enumerate(zip(gold, predicted, strict=True), start=1):
        if len(one) != len(other):
            raise InputError(
                f"sentence {number} has {len(one)} gold tags and {len(other)} predicted ones,"
                " expected one for each word"
            )
        wanted, found = spans_of(one), spans_of(other)
        right += [kind for _, _, kind in set(wanted) & set(found)]
        theirs += [kind for _, _, kind in wanted]
        ours += [kind for _, _, kind in found]
    by_type = {
        kind: f1_of(right.count(kind), ours.count(kind), theirs.count(kind))
        for kind in sorted({*ours, *theirs})
    }
    return SpanScores(
        sentences=len(gold),
        gold=len(theirs),
        predicted=len(ours),
        precision=len(right) / len(ours) if ours else 0.0,
        recall=len(right) / len(theirs) if theirs else 0.0,
        f1=f1_of(len(right), len(ours), len(theirs)),
        by_type=by_type,
    )
