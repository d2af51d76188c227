"""Questions to answers in a context: a question answering head, its best spans over all windows."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from numbers import Real
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.arguments import check_flags
from bertie.calls.call import Call
from bertie.calls.logits import token_logits
from bertie.calls.merging import Window, as_encodings, windows_by_text
from bertie.calls.probabilities import softmax
from bertie.calls.records import Record
from bertie.calls.texts import Texts, check_texts, pair_texts, require_pairs
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import InputError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.candidates import Candidate, candidates, without_overlaps
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tokenize import PackedWindows

Floats = NDArray[np.float32]

TAKES: frozenset[str] = frozenset()

# As in Google's run_squad.py: so many candidates share the probability out.
_CANDIDATES = 20


def prepare(opened: Opened) -> Prepared:
    """Settle how a source answers. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "answer")
    return head.prepared(record, opened_settings(opened), partial(Reader, record=record))


@dataclass(frozen=True)
class Answer(Record):
    """A stretch of the context that may answer the question.

    Attributes:
        text: as it stands in the context; empty where it says that there is no answer.
        score: its share of the probability among the best candidates.
        start: index of its first character in the context.
        end: the index behind its last one.
    """

    text: str
    score: float
    start: int
    end: int


@dataclass(frozen=True)
class _Options:
    """What one call asks for."""

    top_k: int
    longest: int
    no_answer: bool
    threshold: float
    whole_words: bool


class Reader(Model):
    """A checkpoint that is loaded and ready to answer questions, as trained on SQuAD.

    Source: the decoding of Google's run_squad.py (Devlin et al., arXiv:1810.04805, section 4.2).
    """

    task = "answer"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self._head = Head(record, threads=self.encoder.threads)

    def answer(
        self,
        questions: str | Iterable[str],
        contexts: str | Iterable[str],
        *,
        top_k: int = 1,
        max_answer_length: int = 15,
        no_answer: bool = False,
        threshold: float = 0.0,
        whole_words: bool = True,
        truncate: str = "window",
    ) -> Any:
        """Answer one question or several, each from a context.

        A candidate's logit is that of its first token as a start plus that of its last as an end.
        A start counts only in the window where that token has most context.

        Args:
            questions: a question, which goes with every context, or several.
            contexts: the text to answer from; one for all questions, or one for each.
            top_k: the most answers to give to a question; they don't overlap.
            max_answer_length: the most tokens of an answer.
            no_answer: whether "there is none" is an answer, as models trained on SQuAD 2.0 know.
            threshold: how far its logit must be above the best span's for it to be the answer.
            whole_words: whether answers grow to the words that they begin and end in.
            truncate: what becomes of a context that is too long together with its question:
                "window" reads it in overlapping windows, "right" and "left" cut that end off and
                warn, "error" refuses.
        Returns: for one question an Answer, or with a top_k above 1 a list of them, best first;
            for several a list of such. Where there is no answer, or the context is empty, the
            answer is empty, at 0.
        Raises: InputError: something that isn't a text, by its position; as many contexts as
            neither one nor questions; a question that leaves no room for a context; a top_k or
            max_answer_length below 1.
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        options = _options(top_k, max_answer_length, no_answer, threshold, whole_words)
        pairs = pair_texts(questions, contexts, ("questions", "contexts"))
        return self._call(options, truncate).run(pairs)

    def answer_stream(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        top_k: int = 1,
        max_answer_length: int = 15,
        no_answer: bool = False,
        threshold: float = 0.0,
        whole_words: bool = True,
        truncate: str = "window",
    ) -> Iterator[Any]:
        """Answer any number of questions in the memory of about a thousand, in order.

        Args:
            pairs: tuples of a question and its context.
            Others: as for answer.
        Returns: an iterator over what answer gives for one question.
        Raises, Warns: as answer.
        """
        options = _options(top_k, max_answer_length, no_answer, threshold, whole_words)
        return self._call(options, truncate).stream(pairs, "pairs")

    def _call(self, options: _Options, truncate: str) -> Call[tuple[Texts, PackedWindows]]:
        """Settle what a call does."""
        truncation = Truncation(truncate, self.max_length)

        def prepare(items: list[Any], first: int) -> tuple[Texts, PackedWindows]:
            texts = check_texts(items, first)
            require_pairs(texts, first, "its context")
            alone = Texts(texts.first, ("",) * len(texts.first))
            self._require_room(
                alone, lambda place: f"question {first + place}", "a context", windowed=True
            )
            return texts, self._windows(texts, first, truncation, strategy="only_second")

        def compute(ready: tuple[Texts, PackedWindows]) -> list[Any]:
            texts, windows = ready
            logits = token_logits(self.encoder, self._head, as_encodings(windows), self.budget)
            found = windows_by_text(windows, len(texts.first), self.stride, 1)
            answers = [
                _answers(context, parts, logits, options)
                for context, parts in zip(texts.second, found, strict=True)
            ]
            return answers if options.top_k > 1 else [several[0] for several in answers]

        return Call(prepare, compute, truncation, pairs=True)


def _options(
    top_k: int, longest: int, no_answer: bool, threshold: float, whole_words: bool
) -> _Options:
    """Check a call's options."""
    check_flags(no_answer=no_answer, whole_words=whole_words)
    for name, value in (("top_k", top_k), ("max_answer_length", longest)):
        if type(value) is not int or value < 1:
            raise InputError(f"{name} is {shown(value)}, expected a number of at least 1")
    if not isinstance(threshold, Real) or isinstance(threshold, bool) or math.isnan(threshold):
        raise InputError(f"threshold is {shown(threshold)}, expected a number")
    return _Options(top_k, longest, no_answer, float(threshold), whole_words)


def _answers(
    context: str, windows: list[tuple[int, Window]], logits: list[Floats], options: _Options
) -> list[Answer]:
    """Choose the answers to one question, best first; at least one, which may be empty."""
    nothing, found = candidates(
        context,
        [(window, logits[number]) for number, window in windows],
        _CANDIDATES,
        options.longest,
        whole_words=options.whole_words,
    )
    scored = [*found, Candidate(nothing, 0, 0)] if options.no_answer or not found else found
    shares = softmax(np.array([[candidate.logit for candidate in scored]]))[0].tolist()
    answers = [
        Answer(context[candidate.start : candidate.end], share, candidate.start, candidate.end)
        for candidate, share in zip(scored, shares, strict=True)
    ]
    if not options.no_answer or not found:
        return [answers[i] for i in without_overlaps(scored, options.top_k)]
    spans = [answers[i] for i in without_overlaps(found, options.top_k)]
    none = answers[-1]
    # Where it isn't the answer it stands among the other spans by its logit.
    better = sum(one.score >= none.score for one in spans)
    place = 0 if nothing - found[0].logit > options.threshold else max(better, 1)
    return [*spans[:place], none, *spans[place:]][: options.top_k]
