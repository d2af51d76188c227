"""Texts to entities: a token classifier's head, its labels joined to spans of the caller's text."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.batches import split_by_sequence
from bertie.calls.call import Call
from bertie.calls.logits import token_logits
from bertie.calls.merging import Window, as_encodings, merge_windows, windows_by_text
from bertie.calls.probabilities import Scores, softmax
from bertie.calls.records import Record
from bertie.calls.texts import Text, Texts, check_texts
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import InputError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.iob_tags import entity_runs, parse_tag
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tokenize import PackedWindows
from bertie.tokenize.words import after_marks, trim

Ints = NDArray[np.int32]

TAKES = frozenset({"labels"})

AGGREGATIONS = ("none", "simple", "first", "average", "max")
_OF_WORDS = ("first", "average", "max")
OUTSIDE = "O"


def prepare(opened: Opened) -> Prepared:
    """Settle how a source tags. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "tag")
    return head.prepared(record, head.head_settings(opened, record), partial(Tagger, record=record))


@dataclass(frozen=True)
class Span(Record):
    """A stretch of text with its label.

    Attributes:
        label: the kind of entity; the checkpoint's whole label where tokens stand alone.
        score: the mean probability of its tokens or words.
        text: as the caller wrote it.
        start: index of its first character in the caller's text, or word where those are words.
        end: the index behind its last one.
    """

    label: str
    score: float
    text: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class _Units:
    """Tokens or words of one text.

    Attributes:
        scores: (units, labels) probabilities.
        starts, ends: (units,) places in the text.
    """

    scores: Scores
    starts: Ints
    ends: Ints


class Tagger(Model):
    """A checkpoint that is loaded and ready to find entities.

    Attributes:
        labels: in the order of the head's outputs.
    """

    task = "tag"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.labels: tuple[str, ...] = parts.settings["labels"].value
        self._tags = tuple(map(parse_tag, self.labels))
        self._head = Head(record, threads=self.encoder.threads)

    def tag(
        self,
        inputs: Text | Iterable[Text],
        *,
        aggregation: str = "first",
        ignore: Sequence[str] = (OUTSIDE,),
        truncate: str = "window",
        split_words: bool = False,
    ) -> Any:
        """Find the entities of one text or several.

        Args:
            inputs: a text, or texts.
            aggregation: what a word's label is: that of its "first" token, of the "average" of
                its tokens' probabilities, or of the token with the largest one ("max"). Or,
                without regard to words, "simple" joins tokens and "none" leaves them apart.
            ignore: labels and kinds of entity to leave out.
            truncate: what becomes of a text of more than max_length tokens: "window" reads it in
                overlapping windows, "right" and "left" cut that end off and warn, "error" refuses.
            split_words: whether texts are lists of words.
        Returns: a list of Span in the order of the text, for one text; a list of such lists for
            several. With split_words one Span for each word, those outside of entities as well,
            the label as the checkpoint has it, places counted in words; a word of which no token
            is left is outside with a score of 0.
        Raises: InputError: something that isn't a text, by its position; an aggregation that
            doesn't exist, or not for words; a text too long for truncate="error".
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        return self._call(aggregation, ignore, truncate, split_words).run(inputs)

    def tag_stream(
        self,
        inputs: Iterable[Text],
        *,
        aggregation: str = "first",
        ignore: Sequence[str] = (OUTSIDE,),
        truncate: str = "window",
        split_words: bool = False,
    ) -> Iterator[list[Span]]:
        """Find the entities of any number of texts in the memory of about a thousand, in order.

        Args, Raises, Warns: as tag.
        """
        return self._call(aggregation, ignore, truncate, split_words).stream(inputs, "inputs")

    def _call(
        self, aggregation: str, ignore: Sequence[str], truncate: str, split_words: bool
    ) -> Call[tuple[Texts, PackedWindows]]:
        """Settle what a call does."""
        if aggregation not in AGGREGATIONS:
            raise InputError(
                f"aggregation is {shown(aggregation)}, expected {', '.join(AGGREGATIONS)}"
            )
        if split_words and aggregation not in _OF_WORDS:
            raise InputError(
                f"aggregation is {aggregation!r}, but with split_words each word has one label:"
                f" expected {', '.join(_OF_WORDS)}"
            )
        truncation = Truncation(truncate, self.max_length)
        ignored = _check_ignore((ignore,) if isinstance(ignore, str) else ignore)

        def prepare(items: list[Any], first: int) -> tuple[Texts, PackedWindows]:
            texts = check_texts(items, first, pairs=False, split_words=split_words)
            return texts, self._windows(texts, first, truncation, split_words=split_words)

        def compute(ready: tuple[Texts, PackedWindows]) -> list[list[Span]]:
            texts, windows = ready
            logits = token_logits(self.encoder, self._head, as_encodings(windows), self.budget)
            scores = (
                split_by_sequence(softmax(np.concatenate(logits)), windows.lengths)
                if logits
                else []
            )
            found = windows_by_text(windows, len(texts.first), self.stride, 0)
            return [
                self._word_spans(text, parts, scores, aggregation)
                if split_words
                else self._text_spans(text, parts, scores, aggregation, ignored)
                for text, parts in zip(texts.first, found, strict=True)
            ]

        return Call(prepare, compute, truncation, split_words=split_words)

    def _text_spans(
        self,
        text: str,
        windows: list[tuple[int, Window]],
        scores: list[Scores],
        aggregation: str,
        ignored: frozenset[str],
    ) -> list[Span]:
        """Find the entities of one text."""
        rows, offsets, word_ids = merge_windows(windows, scores)
        if aggregation in _OF_WORDS:
            inside = word_ids >= 0
            rows, offsets, word_ids = rows[inside], offsets[inside], word_ids[inside]
        if not len(rows):
            return []
        units = _token_units(rows, offsets)
        if aggregation in _OF_WORDS:
            units = _word_units(units, word_ids, aggregation)
        chosen = units.scores.argmax(axis=1).tolist()
        best = units.scores.max(axis=1)
        tags = [self._tags[i] for i in chosen]
        pieces = (
            [(i, i + 1) for i in range(len(tags))]
            if aggregation == "none"
            else list(entity_runs(tags))
        )
        spans = []
        for begin, end in pieces:
            label = self.labels[chosen[begin]] if aggregation == "none" else tags[begin].type
            if label in ignored or self.labels[chosen[begin]] in ignored:
                continue
            start, stop = trim(text, int(units.starts[begin]), int(units.ends[end - 1]))
            if start == stop:
                continue
            limit = int(units.starts[end]) if end < len(units.starts) else len(text)
            stop = after_marks(text, stop, limit)
            score = float(best[begin:end].mean())
            spans.append(Span(label, score, text[start:stop], start, stop))
        return spans

    def _word_spans(
        self,
        words: Sequence[str],
        windows: list[tuple[int, Window]],
        scores: list[Scores],
        aggregation: str,
    ) -> list[Span]:
        """Label each of the caller's words."""
        rows, offsets, word_ids = merge_windows(windows, scores)
        found: dict[int, tuple[str, float]] = {}
        if len(rows):
            units = _word_units(_token_units(rows, offsets), word_ids, aggregation)
            chosen = units.scores.argmax(axis=1).tolist()
            kept = dict.fromkeys(word_ids.tolist())
            for word, label, chances in zip(kept, chosen, units.scores, strict=True):
                found[word] = (self.labels[label], float(chances[label]))
        return [
            Span(*found.get(number, (OUTSIDE, 0.0)), word, number, number + 1)
            for number, word in enumerate(words)
        ]


def _check_ignore(ignore: Any) -> frozenset[str]:
    """Check the labels to leave out."""
    is_list = isinstance(ignore, (Sequence, Set))
    if not is_list or not all(isinstance(label, str) for label in ignore):
        raise InputError(f"ignore is {shown(ignore)}, expected a list of labels")
    return frozenset(ignore)


def _token_units(scores: Scores, offsets: Ints) -> _Units:
    """Take every token as a unit."""
    return _Units(scores, offsets[:, 0], offsets[:, 1])


def _word_units(tokens: _Units, word_ids: Ints, aggregation: str) -> _Units:
    """Join the tokens of each word, which stand side by side."""
    begins = np.ones(len(word_ids), np.bool_)
    begins[1:] = word_ids[1:] != word_ids[:-1]
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(word_ids)) - 1
    if aggregation == "first":
        scores = tokens.scores[firsts]
    elif aggregation == "average":
        counts = (lasts - firsts + 1)[:, None]
        scores = np.add.reduceat(tokens.scores, firsts, axis=0) / counts
    else:
        best = tokens.scores.max(axis=1)
        spans = zip(firsts.tolist(), lasts.tolist(), strict=True)
        peaks = [first + int(best[first : last + 1].argmax()) for first, last in spans]
        scores = tokens.scores[peaks]
    return _Units(scores, tokens.starts[firsts], tokens.ends[lasts])
