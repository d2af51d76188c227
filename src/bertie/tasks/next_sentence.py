"""Pairs of texts to whether the second follows the first, as BERT was trained to tell."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.call import Call
from bertie.calls.logits import sequence_logits
from bertie.calls.probabilities import softmax
from bertie.calls.texts import Text, check_texts, pair_texts, require_pairs
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared

TAKES: frozenset[str] = frozenset()

# The head's first output means that the second text follows the first, its second that it doesn't.
_FOLLOWS = 0


def prepare(opened: Opened) -> Prepared:
    """Settle how a source judges pairs. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "next_sentence")
    return head.prepared(record, opened_settings(opened), partial(PairModel, record=record))


class PairModel(Model):
    """A checkpoint that is loaded and ready to say whether one text follows another.

    Source: Devlin et al., BERT, arXiv:1810.04805, section 3.1, task 2. Of the head's two outputs
    index 0 means "follows".
    """

    task = "next_sentence"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self._head = Head(record, threads=self.encoder.threads)

    def next_sentence(
        self,
        first: Text | Iterable[Text],
        second: Text | Iterable[Text],
        *,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Any:
        """Say how probable it is that one text follows another.

        Args:
            first: a text, which goes with every second one, or several.
            second: the text that may follow; one for all, or one for each.
            truncate: what becomes of a pair of more than max_length tokens: "right" and "left" cut
                the longer text at that end and warn, "error" refuses, "window" reads the pair in
                overlapping windows and takes the mean of their logits, by their tokens.
            split_words: whether texts are lists of words.
        Returns: a number for one pair; (pairs,) float64 for several.
        Raises: InputError: something that isn't a text, by its position; as many second texts as
            not first ones.
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        pairs = pair_texts(first, second, ("first", "second"), split_words=split_words)
        return self._call(truncate, split_words).run(pairs)

    def next_sentence_stream(
        self,
        pairs: Iterable[tuple[Text, Text]],
        *,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Iterator[float]:
        """Judge any number of pairs in the memory of about a thousand, some ahead, in order.

        Args:
            pairs: tuples of two texts.
            Others: as for next_sentence.
        Raises, Warns: as next_sentence.
        """
        return self._call(truncate, split_words).stream(pairs, "pairs")

    def _call(self, truncate: str, split_words: bool) -> Call[Tokenized]:
        """Settle what a call does."""
        truncation = Truncation(truncate, self.max_length)

        def prepare(items: list[Any], first: int) -> Tokenized:
            texts = check_texts(items, first, split_words=split_words)
            require_pairs(texts, first, "the text that may follow it")
            return self._tokenize(texts, first, truncation, split_words=split_words)

        def compute(tokenized: Tokenized) -> NDArray[np.float64]:
            logits = sequence_logits(self.encoder, self._head, tokenized.packed, self.budget)
            return softmax(tokenized.averaged(logits))[:, _FOLLOWS]

        return Call(prepare, compute, truncation, pairs=True, split_words=split_words)
