"""Texts to labels: a sequence classifier's head, one score for each label."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bertie.arguments import check_flags
from bertie.calls.call import Call
from bertie.calls.logits import sequence_logits
from bertie.calls.probabilities import ACTIVATIONS, ALWAYS_ONE, Scores, check_top_k, identity
from bertie.calls.records import Record
from bertie.calls.texts import Input, check_texts
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.checkpoint.config import Setting
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import CheckpointError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tokenize import PackedEncodings

TAKES = frozenset({"labels"})

# What config.json calls a problem → what turns its logits into scores.
_SCORES = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "identity",
}


def prepare(opened: Opened) -> Prepared:
    """Settle how a source classifies. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "classify")
    start = partial(Classifier, record=record)
    return head.prepared(
        record, {**head.head_settings(opened, record), "score": _score(record)}, start
    )


def _score(record: HeadRecord) -> Setting:
    """Settle what turns logits into scores: by the stated problem, else by the count of labels."""
    stated = record.problem_type
    if stated is None:
        if record.outputs == 1:
            return Setting("sigmoid", "default: one label and no problem_type")
        return Setting("softmax", "default: several labels and no problem_type")
    if stated not in _SCORES:
        raise CheckpointError(
            f"config.json: problem_type is {stated!r}, expected one of {', '.join(_SCORES)}"
        )
    if _SCORES[stated] == "softmax" and record.outputs == 1:
        return Setting("sigmoid", f"config.json: problem_type, {ALWAYS_ONE}")
    return Setting(_SCORES[stated], "config.json: problem_type")


@dataclass(frozen=True)
class Label(Record):
    """A label and how well it fits.

    Attributes:
        label: as the checkpoint names it.
        score: a probability; for a regression its value; a logit where those are asked for.
    """

    label: str
    score: float


class Classifier(Model):
    """A checkpoint that is loaded and ready to classify texts and pairs of texts.

    Scores are a softmax over all labels, or where the config's problem_type is multi-label a
    sigmoid for each; a regression's are its values.

    Attributes:
        labels: in the order of the head's outputs.
    """

    task = "classify"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.labels: tuple[str, ...] = parts.settings["labels"].value
        self._head = Head(record, threads=self.encoder.threads)
        self._scores = ACTIVATIONS[parts.settings["score"].value]

    def classify(
        self,
        inputs: Input | Iterable[Input],
        *,
        top_k: int | None = None,
        raw: bool = False,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Any:
        """Classify one input or several.

        Args:
            inputs: a text, a tuple of two texts, or any iterable of those.
            top_k: the most labels to give of each input; None gives all.
            raw: whether scores are the head's logits.
            truncate: what becomes of an input of more than max_length tokens: "right" and "left"
                cut that end off and warn, "error" refuses, "window" reads it in overlapping
                windows and takes the mean of their logits, by their tokens.
            split_words: whether texts are lists of words.
        Returns: a list of Label, best first, for one input; a list of such lists for several.
        Raises: InputError: something that isn't an input, by its position; a top_k below 0; an
            input too long for truncate="error". Nothing has been computed then.
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        return self._call(top_k, raw, truncate, split_words).run(inputs)

    def classify_stream(
        self,
        inputs: Iterable[Input],
        *,
        top_k: int | None = None,
        raw: bool = False,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Iterator[list[Label]]:
        """Classify any number of inputs in the memory of about a thousand, some ahead.

        Args: as classify.
        Returns: an iterator over each input's labels, in order.
        Raises, Warns: as classify, when the stream comes to it.
        """
        return self._call(top_k, raw, truncate, split_words).stream(inputs, "inputs")

    def scores(self, packed: PackedEncodings) -> Scores:
        """Score sequences that are tokenized already.

        Args:
            packed: framed as the model reads them.
        Returns: (sequences, labels) float64, in the order of labels.
        Raises: InputError: ids, types or a length that the encoder doesn't have.
        Raises: CheckpointError: the logits are NaN.
        """
        return self._scores(sequence_logits(self.encoder, self._head, packed, self.budget))

    def _call(
        self, top_k: int | None, raw: bool, truncate: str, split_words: bool
    ) -> Call[Tokenized]:
        """Settle what a call does."""
        check_top_k(top_k)
        check_flags(raw=raw)
        truncation = Truncation(truncate, self.max_length)
        scores = identity if raw else self._scores

        def prepare(items: list[Any], first: int) -> Tokenized:
            texts = check_texts(items, first, split_words=split_words)
            return self._tokenize(texts, first, truncation, split_words=split_words)

        def compute(tokenized: Tokenized) -> list[list[Label]]:
            logits = sequence_logits(self.encoder, self._head, tokenized.packed, self.budget)
            return self._ranked(scores(tokenized.averaged(logits)), top_k)

        return Call(prepare, compute, truncation, pairs=True, split_words=split_words)

    def _ranked(self, scores: Scores, top_k: int | None) -> list[list[Label]]:
        """Name the labels of each row, best first; equal ones stay in the head's order."""
        orders = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        return [
            [Label(self.labels[i], row[i]) for i in order]
            for row, order in zip(scores.tolist(), orders.tolist(), strict=True)
        ]
