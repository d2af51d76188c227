"""Documents by how well they answer a query: a cross-encoder reads both together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.arguments import check_flags
from bertie.calls.call import Call
from bertie.calls.logits import sequence_logits
from bertie.calls.probabilities import ACTIVATIONS, ALWAYS_ONE, check_top_k, identity
from bertie.calls.prompts import default_prompt, fixed_prompt
from bertie.calls.records import Record
from bertie.calls.texts import Text, Texts, as_list, check_texts, require_pairs
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.checkpoint.config import Setting
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import CheckpointError, InputError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tokenize.tokenizer import Strategy

TAKES = frozenset({"labels"})

# The activations that sentence-transformers' configs name → ours.
_TORCH_ACTIVATIONS = {"Sigmoid": "sigmoid", "Identity": "identity", "Softmax": "softmax"}


def prepare(opened: Opened) -> Prepared:
    """Settle how a source ranks. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "rank")
    start = partial(Reranker, record=record)
    settings = {
        **head.head_settings(opened, record),
        "score": _score(opened, record),
        **default_prompt(opened.layout),
    }
    return head.prepared(record, settings, start)


def _score(opened: Opened, record: HeadRecord) -> Setting:
    """Settle what turns logits into scores: what sentence-transformers' config says, or does."""
    stated = opened.layout.activation
    raw = opened.checkpoint.raw_config
    nested = raw.get("sentence_transformers")
    old = "sbert_ce_default_activation_function"
    candidates = {
        stated.origin: stated.value,
        "config.json: sentence_transformers.activation_fn": (
            nested.get("activation_fn") if isinstance(nested, dict) else None
        ),
        f"config.json: {old}": raw.get(old),
    }
    for origin, named in candidates.items():
        if named is not None:
            name = _activation(named, origin)
            if name == "softmax" and record.outputs == 1:
                name, origin = "sigmoid", f"{origin}, {ALWAYS_ONE}"
            return Setting(name, origin)
    if len(record.labels) == 1:
        return Setting("sigmoid", "default: one output")
    return Setting("identity", "default: several outputs")


def _activation(stated: Any, where: str) -> str:
    """Translate torch's name of an activation."""
    name = stated.rpartition(".")[2] if isinstance(stated, str) else ""
    if name not in _TORCH_ACTIVATIONS or not stated.startswith("torch."):
        raise CheckpointError(
            f"{where} is {shown(stated)}, expected torch's {', '.join(_TORCH_ACTIVATIONS)}"
        )
    return _TORCH_ACTIVATIONS[name]


@dataclass(frozen=True)
class Ranked(Record):
    """A document's place among those given.

    Attributes:
        index: which of the documents it is, from 0.
        score: how well it answers the query; the higher, the better.
    """

    index: int
    score: float


class Reranker(Model):
    """A cross-encoder that is loaded and ready to rank documents for a query.

    Scores of one output are sigmoids unless the checkpoint says otherwise, as in
    sentence-transformers.

    Attributes:
        labels: in the order of the head's outputs; usually one.
    """

    task = "rank"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.labels: tuple[str, ...] = parts.settings["labels"].value
        self._head = Head(record, threads=self.encoder.threads)
        self._scores = ACTIVATIONS[parts.settings["score"].value]
        self._prompt = fixed_prompt(parts.settings, "query")

    def rank(
        self,
        query: Text,
        documents: Iterable[Text],
        *,
        top_k: int | None = None,
        label: str | None = None,
        raw: bool = False,
        truncate: str = "right",
        split_words: bool = False,
    ) -> list[Ranked]:
        """Rank documents by how well they answer a query.

        Args:
            query: a text.
            documents: texts.
            top_k: the most documents to give; None gives all.
            label: the label whose score counts, where the head has several outputs; of two it is
                the second unless said otherwise.
            raw: whether scores are the head's logits.
            truncate: what becomes of a query and a document of more than max_length tokens
                together: "right" and "left" cut the longer of the two and warn, "error" refuses,
                "window" reads the document in overlapping windows, of which the best counts.
            split_words: whether texts are lists of words.
        Returns: the best first; equal ones in the order given. No documents, no answers.
        Raises: InputError: something that isn't a text, by its position; a label that the head
            doesn't have; a query that leaves no room for a window.
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        check_top_k(top_k)
        check_texts([query], pairs=False, split_words=split_words)
        texts, single = as_list(documents, pairs=False, split_words=split_words)
        if single:
            raise InputError("documents is one text, expected a list of them")
        call = self._call(label, raw, truncate, split_words)
        scores = call.run([(query, text) for text in texts])
        order = np.argsort(-scores, kind="stable")[:top_k].tolist()
        return [Ranked(index, float(scores[index])) for index in order]

    def score(
        self,
        pairs: Iterable[tuple[Text, Text]],
        *,
        label: str | None = None,
        raw: bool = False,
        truncate: str = "right",
        split_words: bool = False,
    ) -> NDArray[np.float64]:
        """Score pairs of a query and a document.

        Args:
            pairs: tuples of two texts, or one such tuple.
            Others: as for rank.
        Returns: (pairs,) float64; a number for one tuple.
        Raises, Warns: as rank.
        """
        call = self._call(label, raw, truncate, split_words)
        scores: NDArray[np.float64] = call.run(pairs)
        return scores

    def score_stream(
        self,
        pairs: Iterable[tuple[Text, Text]],
        *,
        label: str | None = None,
        raw: bool = False,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Iterator[float]:
        """Score any number of pairs in the memory of about a thousand, some ahead, in order.

        Args, Raises, Warns: as score.
        """
        return self._call(label, raw, truncate, split_words).stream(pairs, "pairs")

    def _call(
        self, label: str | None, raw: bool, truncate: str, split_words: bool
    ) -> Call[Tokenized]:
        """Settle what a call does."""
        check_flags(raw=raw)
        truncation = Truncation(truncate, self.max_length)
        column = self._column(label)
        scores = identity if raw else self._scores
        strategy: Strategy = "only_second" if truncation.windowed else "longest_first"

        def prepare(items: list[Any], first: int) -> Tokenized:
            texts = check_texts(items, first, split_words=split_words)
            require_pairs(texts, first, "the document")
            texts = texts.prefixed(self._prompt) if self._prompt else texts
            if truncation.windowed:
                queries = tuple(dict.fromkeys(texts.first))
                self._require_room(
                    Texts(queries, ((() if split_words else ""),) * len(queries)),
                    lambda place: f"text {first + texts.first.index(queries[place])}: its query",
                    "a document",
                    windowed=True,
                    split_words=split_words,
                )
            return self._tokenize(
                texts, first, truncation, split_words=split_words, strategy=strategy
            )

        def compute(tokenized: Tokenized) -> NDArray[np.float64]:
            logits = sequence_logits(self.encoder, self._head, tokenized.packed, self.budget)
            return tokenized.largest(scores(logits)[:, column])

        return Call(prepare, compute, truncation, pairs=True, split_words=split_words)

    def _column(self, label: str | None) -> int:
        """Find the output whose score counts."""
        known = ", ".join(self.labels)
        if label is not None:
            if label not in self.labels:
                raise InputError(f"label is {shown(label)}, but the head's labels are: {known}")
            return self.labels.index(label)
        if len(self.labels) > 2:
            raise InputError(f"the head has several outputs: say which counts, label= of: {known}")
        return len(self.labels) - 1
