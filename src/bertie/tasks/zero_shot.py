"""Texts to labels that the caller makes up: a model of inference judges a sentence about each."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.arguments import check_flags
from bertie.calls.call import Call
from bertie.calls.logits import sequence_logits
from bertie.calls.probabilities import check_top_k, sigmoid, softmax
from bertie.calls.texts import Texts, check_texts
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.checkpoint.config import Setting
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import InputError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.classify import Label
from bertie.tasks.model import Model, Parts, Prepared

TAKES = frozenset({"labels"})

HYPOTHESIS = "This example is {}."


def prepare(opened: Opened) -> Prepared:
    """Settle how a source infers. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "zero_shot")
    settings = head.head_settings(opened, record)
    return head.prepared(
        record,
        {**settings, "entailment": _entailment(settings["labels"])},
        partial(ZeroShotClassifier, record=record),
    )


def _entailment(labels: Setting) -> Setting:
    """Find the label that means that the second sentence follows, or None."""
    for label in labels.value:
        if label.lower().startswith("entail"):
            return Setting(label, f"the labels' names ({labels.origin})")
    return Setting(None, f"none of the labels is called entailment ({labels.origin})")


class ZeroShotClassifier(Model):
    """A model of natural language inference that is loaded and ready to classify.

    Source: Yin et al., Benchmarking Zero-shot Text Classification, arXiv:1909.00161.

    Attributes:
        labels: the head's own, in the order of its outputs; not those of a call.
    """

    task = "zero_shot"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.labels: tuple[str, ...] = parts.settings["labels"].value
        self._entailment: str | None = parts.settings["entailment"].value
        self._head = Head(record, threads=self.encoder.threads)

    def zero_shot(
        self,
        inputs: str | Iterable[str],
        labels: Sequence[str],
        *,
        hypothesis: str = HYPOTHESIS,
        multi_label: bool = False,
        entailment: str | None = None,
        top_k: int | None = None,
        truncate: str = "right",
    ) -> Any:
        """Say which of some labels fit one text or several.

        Args:
            inputs: a text, or texts.
            labels: any words.
            hypothesis: the sentence that is judged, with {} where a label goes.
            multi_label: whether each label is judged alone, entailment against contradiction, as
                the only one of a call always is; otherwise their scores sum to 1.
            entailment: the head's label that means that the hypothesis follows, where its name
                doesn't tell.
            top_k: the most labels to give of each text; None gives all.
            truncate: what becomes of a text that is too long together with a hypothesis: "right"
                and "left" cut that end of the text off and warn, "error" refuses, "window" reads
                it in overlapping windows and takes the mean of their logits, by their tokens.
        Returns: a list of Label, best first, for one text; a list of such lists for several. No
            labels, no answers.
        Raises: InputError: something that isn't a text, by its position; a hypothesis without {};
            labels that aren't texts, or of which one leaves no room for a text; nothing says
            which output is entailment.
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        call = self._call(labels, hypothesis, multi_label, entailment, top_k, truncate)
        return call.run(inputs)

    def zero_shot_stream(
        self,
        inputs: Iterable[str],
        labels: Sequence[str],
        *,
        hypothesis: str = HYPOTHESIS,
        multi_label: bool = False,
        entailment: str | None = None,
        top_k: int | None = None,
        truncate: str = "right",
    ) -> Iterator[list[Label]]:
        """Classify any number of texts in the memory of about a thousand, some ahead, in order.

        Args, Raises, Warns: as zero_shot.
        """
        call = self._call(labels, hypothesis, multi_label, entailment, top_k, truncate)
        return call.stream(inputs, "inputs")

    def _call(
        self,
        labels: Sequence[str],
        hypothesis: str,
        multi_label: bool,
        entailment: str | None,
        top_k: int | None,
        truncate: str,
    ) -> Call[tuple[int, Tokenized | None]]:
        """Settle what a call does."""
        check_top_k(top_k)
        check_flags(multi_label=multi_label)
        names, sentences = _hypotheses(labels, hypothesis)
        follows, contradicts = self._entailment_outputs(entailment)
        truncation = Truncation(truncate, self.max_length, sequences=max(len(sentences), 1))
        self._require_room(
            Texts(("",) * len(sentences), sentences),
            lambda place: f"the hypothesis of label {place}",
            "a text",
            windowed=truncation.windowed,
        )

        def prepare(items: list[Any], first: int) -> tuple[int, Tokenized | None]:
            texts = check_texts(items, first, pairs=False).first
            if not sentences:
                return len(texts), None
            pairs = pair_with_each(texts, sentences)
            return len(texts), self._tokenize(pairs, first, truncation, strategy="only_first")

        def compute(ready: tuple[int, Tokenized | None]) -> list[list[Label]]:
            count, tokenized = ready
            if tokenized is None:
                return [[] for _ in range(count)]
            logits = sequence_logits(self.encoder, self._head, tokenized.packed, self.budget)
            logits = tokenized.averaged(logits).reshape(count, len(names), self._head.outputs)
            # A share of one label alone would always be 1.
            if not multi_label and len(names) > 1:
                scores = softmax(logits[:, :, follows])
            elif contradicts is None:
                scores = sigmoid(logits[:, :, follows])
            else:
                scores = softmax(logits[:, :, [contradicts, follows]])[:, :, 1]
            orders = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
            return [
                [Label(names[i], row[i]) for i in order]
                for row, order in zip(scores.tolist(), orders.tolist(), strict=True)
            ]

        return Call(prepare, compute, truncation)

    def _entailment_outputs(self, entailment: str | None) -> tuple[int, int | None]:
        """Find the outputs that mean that the hypothesis follows and that it can't be, if any."""
        wanted = self._entailment if entailment is None else entailment
        known = ", ".join(self.labels)
        if wanted is None:
            raise InputError(
                f"none of the head's labels ({known}) is called entailment: say which one means"
                " that the hypothesis follows, by entailment="
            )
        if wanted not in self.labels:
            raise InputError(f"entailment is {shown(wanted)}, but the head's labels are: {known}")
        follows = self.labels.index(wanted)
        others = [i for i in range(len(self.labels)) if i != follows]
        against = [i for i in others if self.labels[i].lower().startswith("contra")]
        # Without a name it is the first or last output, whichever is another one.
        return follows, next(iter(against or others[:: 1 if follows else -1]), None)


def pair_with_each(texts: Sequence[str], sentences: Sequence[str]) -> Texts:
    """Pair every text with each sentence, a text's own pairs one after another."""
    return Texts(
        tuple(text for text in texts for _ in sentences),
        tuple(sentence for _ in texts for sentence in sentences),
    )


def _hypotheses(labels: Any, hypothesis: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Check the labels of a call, and write the sentence for each."""
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InputError(f"labels is {shown(labels)}, expected a list of names")
    names = check_texts(list(labels), pairs=False).first
    if not isinstance(hypothesis, str) or "{}" not in hypothesis:
        raise InputError(
            f"hypothesis is {shown(hypothesis)}, expected a sentence with {{}} where a label goes"
        )
    return names, tuple(hypothesis.replace("{}", name) for name in names)
