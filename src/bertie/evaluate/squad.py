"""Metrics of answers to questions, as SQuAD's own evaluation computes them."""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertie.errors import InputError
from bertie.evaluate.labels import f1_of

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class AnswerScores:
    """How well answers agree with gold ones; where there are several, the best agreement counts.

    Attributes:
        questions: how many there are.
        exact_match: the share of answers that equal a gold one, after normalization.
        f1: the mean F1 of the words that answer and gold one share.
        answerable: how many questions have an answer.
        answerable_f1: the F1 of those, or None without any.
        unanswerable_accuracy: the share of the others that was left unanswered, or None.
    """

    questions: int
    exact_match: float
    f1: float
    answerable: int
    answerable_f1: float | None
    unanswerable_accuracy: float | None


def normalize_answer(text: str) -> str:
    """Lower-case a text and take punctuation, English articles and extra space out of it.

    Source: evaluate-v2.0.py of SQuAD, Rajpurkar et al., arXiv:1806.03822. Punctuation is ASCII's.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(gold: str, answer: str) -> bool:
    """Tell whether an answer equals a gold one, after normalization."""
    return normalize_answer(gold) == normalize_answer(answer)


def words_f1(gold: str, answer: str) -> float:
    """F1 of the words that an answer shares with a gold one; 1 if both are empty."""
    wanted, found = normalize_answer(gold).split(), normalize_answer(answer).split()
    if not wanted or not found:
        return float(wanted == found)
    return f1_of((Counter(wanted) & Counter(found)).total(), len(found), len(wanted))


def score_answers(gold: Mapping[str, Sequence[str]], answers: Mapping[str, str]) -> AnswerScores:
    """Compare answers with gold ones.

    Args:
        gold: by question id the answers that are right; none where there is no answer.
        answers: by question id the answer; "" for none.
    Returns: shares from 0 to 1. SQuAD prints them times 100.
    Raises: InputError: there are no questions, or one has no answer given.
    """
    if not gold:
        raise InputError("there are no questions, expected one or more")
    if missing := [id for id in gold if id not in answers]:
        raise InputError(
            f"{len(missing)} questions have no answer, such as {missing[0]}; expected one for each,"
            ' "" for none'
        )
    rows = []
    for id, right in gold.items():
        # As SQuAD does: a gold answer of nothing but articles and punctuation is none.
        wanted = [text for text in right if normalize_answer(text)] or [""]
        exact = max(exact_match(text, answers[id]) for text in wanted)
        rows.append((exact, max(words_f1(text, answers[id]) for text in wanted), wanted != [""]))
    answerable = [f1 for _, f1, has in rows if has]
    others = [f1 for _, f1, has in rows if not has]
    return AnswerScores(
        questions=len(rows),
        exact_match=sum(exact for exact, _, _ in rows) / len(rows),
        f1=sum(f1 for _, f1, _ in rows) / len(rows),
        answerable=len(answerable),
        answerable_f1=sum(answerable) / len(answerable) if answerable else None,
        unanswerable_accuracy=sum(others) / len(others) if others else None,
    )
