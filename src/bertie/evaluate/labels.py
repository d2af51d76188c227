"""Metrics of labels: one for each example, given and predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

from bertie.errors import InputError


@dataclass(frozen=True)
class LabelScores:
    """How well predicted labels agree with gold ones.

    Attributes:
        examples: how many there are.
        accuracy: the share that is right.
        macro_f1: the mean of every label's F1, labels that are only predicted included.
        micro_f1: F1 over all labels together, which of one label each is the accuracy.
        f1: of each label, by its name.
    """

    examples: int
    accuracy: float
    macro_f1: float
    micro_f1: float
    f1: dict[str, float]


def score_labels(gold: Sequence[str], predicted: Sequence[str]) -> LabelScores:
    """Compare one label an example.

    Args:
        gold: (examples,) labels as they are.
        predicted: (examples,) labels as a model gives them.
    Returns: shares from 0 to 1; a label that is never predicted right has an F1 of 0.
    Raises: InputError: there is nothing to compare, or one has more than the other.
    Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval, section 13.6.
    """
    require_alike(gold, predicted)
    right = sum(one == other for one, other in zip(gold, predicted, strict=True))
    f1 = {}
    for label in sorted({*gold, *predicted}):
        both = sum(g == p == label for g, p in zip(gold, predicted, strict=True))
        f1[label] = f1_of(both, list(predicted).count(label), list(gold).count(label))
    count = len(gold)
    micro = f1_of(right, count, count)
    return LabelScores(count, right / count, sum(f1.values()) / len(f1), micro, f1)


def f1_of(right: float, predicted: float, gold: float) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is right."""
    return 2 * right / (predicted + gold) if right else 0.0


def require_alike(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """Refuse two lists that can't be compared one by one."""
    if not gold or len(gold) != len(predicted):
        raise InputError(
            f"{len(gold)} gold answers and {len(predicted)} predictions, expected as many of each"
            " and at least one"
        )
