"""Masked words to what may stand there, and how probable a text is word by word."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from reprlib import repr as shown
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bertie.calls.call import Call
from bertie.calls.logits import chosen_logits
from bertie.calls.missing_embeddings import missing_embedding
from bertie.calls.probabilities import check_top_k, log_sum_exp, perplexity
from bertie.calls.records import Record
from bertie.calls.texts import check_texts
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.batching import gather, plan
from bertie.engine.heads import Head
from bertie.errors import InputError
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tokenize import PackedEncodings
from bertie.tokenize.special_tokens import special_tokens_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Kept = TypeVar("Kept")

TAKES: frozenset[str] = frozenset()
_BLOCK = 32  # logits whose largest one is looked at before all of them are


def prepare(opened: Opened) -> Prepared:
    """Settle how a source fills masks. Raises: TaskError: it has no such head."""
    record = head.required_head(opened, "fill")
    settings = {
        **opened_settings(opened),
        "mask_token": opened.tokenizer.settings["mask_token"],
    }
    return head.prepared(record, settings, partial(Filler, record=record))


@dataclass(frozen=True)
class Filling(Record):
    """A token that may stand for a mask.

    Attributes:
        token: as the vocabulary has it.
        score: its probability among all tokens.
        id: its place in the vocabulary.
    """

    token: str
    score: float
    id: int


@dataclass(frozen=True)
class Likelihood(Record):
    """How probable a text is, each token given all others.

    Attributes:
        log_likelihood: the sum of the tokens' natural logarithms.
        tokens: how many there are, without those that frame the text.
        perplexity: exp(-log_likelihood / tokens); 1 where there are no tokens.
    """

    log_likelihood: float
    tokens: int
    perplexity: float


@dataclass(frozen=True)
class Chance(Record):
    """How probable one token of a text is, given all others.

    Attributes:
        token: as the vocabulary has it.
        log_probability: its natural logarithm, of a share of the whole vocabulary.
        rank: its place among what would be filled in there, the best at 1.
    """

    token: str
    log_probability: float
    rank: int


class Filler(Model):
    """A checkpoint that is loaded and ready to fill masks.

    Attributes:
        mask_token: what stands for a missing word in a text.
    """

    task = "fill"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.mask_token: str | None = parts.settings["mask_token"].value
        self._head = Head(record, threads=self.encoder.threads, precision=self.encoder.precision)
        self._special_tokens = special_tokens_of(self.tokenizer)

    def fill(
        self,
        inputs: str | Iterable[str],
        *,
        top_k: int | None = 5,
        targets: Sequence[str] | None = None,
        truncate: str = "right",
    ) -> Any:
        """Say what may stand for the masks of one text or several.

        Args:
            inputs: a text with one mask_token or several, or texts.
            top_k: the most tokens to give for each mask; None gives all.
            targets: consider only these: words of which each is one token, or tokens as the
                vocabulary writes them ("##ing").
            truncate: what becomes of a text of more than max_length tokens: "right" and "left"
                cut that end off and warn, "error" refuses.
        Returns: for one text a list for each of its masks, of Filling, best first; for several a
            list of such lists.
        Raises: InputError: something that isn't a text, or a text without a mask, by its position;
            a target that isn't one token; a text too long for truncate="error".
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        return self._call(top_k, targets, truncate).run(inputs)

    def fill_stream(
        self,
        inputs: Iterable[str],
        *,
        top_k: int | None = 5,
        targets: Sequence[str] | None = None,
        truncate: str = "right",
    ) -> Iterator[list[list[Filling]]]:
        """Fill the masks of any number of texts in the memory of about a thousand, in order.

        Args, Raises, Warns: as fill.
        """
        return self._call(top_k, targets, truncate).stream(inputs, "inputs")

    def score(self, inputs: str | Iterable[str], *, truncate: str = "right") -> Any:
        """Say how probable one text or several are: mask each token in turn and see its chance.

        Source: Salazar et al., Masked Language Model Scoring, arXiv:1910.14659.

        Args:
            inputs: a text, or texts.
            truncate: as for fill.
        Returns: a Likelihood for one text, a list of them for several.
        Raises, Warns: as fill.
        """
        return self._scoring(truncate, _likelihood).run(inputs)

    def score_tokens(self, inputs: str | Iterable[str], *, truncate: str = "right") -> Any:
        """Say how probable each token of one text or several is, given all others.

        Args:
            inputs: a text, or texts.
            truncate: as for fill.
        Returns: a list of Chance for one text, in order, without the tokens that frame it; a list
            of such lists for several.
        Raises, Warns: as fill.
        """
        return self._scoring(truncate, list).run(inputs)

    def score_tokens_stream(
        self, inputs: Iterable[str], *, truncate: str = "right"
    ) -> Iterator[list[Chance]]:
        """Judge the tokens of any number of texts in the memory of about a thousand, in order.

        Args, Raises, Warns: as score_tokens.
        """
        return self._scoring(truncate, list).stream(inputs, "inputs")

    def _scoring(
        self, truncate: str, summarize: Callable[[list[Chance]], Kept]
    ) -> Call[PackedEncodings]:
        """Settle what a call does that masks each token in turn."""
        truncation = self._truncation(truncate)
        mask = self._mask()

        def prepare(items: list[Any], first: int) -> PackedEncodings:
            texts = check_texts(items, first, pairs=False)
            return self._tokenize(texts, first, truncation).packed

        def compute(packed: PackedEncodings) -> list[Kept]:
            ends = np.cumsum(packed.lengths).tolist()
            return [
                summarize(
                    self._chances(
                        packed.ids[end - length : end], packed.type_ids[end - length : end], mask
                    )
                )
                for end, length in zip(ends, packed.lengths.tolist(), strict=True)
            ]

        return Call(prepare, compute, truncation)

    def _call(
        self, top_k: int | None, targets: Sequence[str] | None, truncate: str
    ) -> Call[PackedEncodings]:
        """Settle what a call does."""
        check_top_k(top_k)
        truncation = self._truncation(truncate)
        mask = self._mask()
        allowed = None if targets is None else self._targets(targets)

        def prepare(items: list[Any], first: int) -> PackedEncodings:
            texts = check_texts(items, first, pairs=False)
            packed = self._tokenize(texts, first, truncation).packed
            self._require_masks(packed, mask, first)
            return packed

        def compute(packed: PackedEncodings) -> list[list[list[Filling]]]:
            def fillings(_: int, logits: Floats, log_sum: float) -> list[Filling]:
                return self._fillings(logits, log_sum, top_k, allowed)

            return self._keep_at(packed, packed.ids == mask, fillings)

        return Call(prepare, compute, truncation)

    def _truncation(self, truncate: str) -> Truncation:
        """Start a call; a window has no meaning here."""
        truncation = Truncation(truncate, self.max_length)
        if truncation.windowed:
            raise InputError(
                "truncate is 'window', but the words around a mask are what fills it: expected"
                " right, left, error"
            )
        return truncation

    def _mask(self) -> int:
        """Find the mask's id."""
        if self.mask_token is None:
            raise InputError("the tokenizer names no mask token, so there is nothing to fill")
        if self.mask_token not in self.tokenizer.vocab:
            raise InputError(
                f"the mask token is {self.mask_token!r}"
                f" ({self._parts.settings['mask_token'].origin}), which the vocabulary doesn't"
                " have: name the one it has as mask_token in tokenizer_config.json"
            )
        return self.tokenizer.id_of(self.mask_token)

    def _require_masks(self, packed: PackedEncodings, mask: int, first: int) -> None:
        """Refuse texts without a mask."""
        if len(packed.lengths) == 0:
            return
        starts = np.cumsum(packed.lengths) - packed.lengths
        counts = np.add.reduceat(packed.ids == mask, starts, dtype=np.int64)
        if not counts.all():
            place = int(np.argmin(counts > 0))
            cut = int(packed.truncated[place])
            where = f" among the tokens that are kept ({cut} are cut off)" if cut else ""
            raise InputError(
                f"text {first + place} has no {self.mask_token}{where}, expected one where a word"
                " is missing"
            )

    def _targets(self, targets: Any) -> Ints:
        """Find the ids of the words to consider."""
        if isinstance(targets, str) or not isinstance(targets, Sequence):
            raise InputError(f"targets is {shown(targets)}, expected a list of words")
        words = check_texts(list(targets), pairs=False).first
        found = []
        for word in words:
            ids = self.tokenizer.encode(word, add_special_tokens=False).ids
            if len(ids) != 1 and word in self.tokenizer.vocab:
                ids = [self.tokenizer.id_of(word)]
            if len(ids) != 1:
                tokens = ", ".join(map(self.tokenizer.token_of, ids)) or "nothing"
                raise InputError(f"target {word!r} is {tokens}, expected one token")
            if ids[0] >= self.tokenizer.readable:
                raise InputError(f"target {word!r}: {missing_embedding(self.tokenizer, ids[0])}")
            found.append(ids[0])
        return np.array(list(dict.fromkeys(found)), np.int32)

    def _keep_at(
        self,
        packed: PackedEncodings,
        where: NDArray[np.bool_],
        keep: Callable[[int, Floats, float], Kept],
    ) -> list[list[Kept]]:
        """Look at all tokens' chances at some places, one place at a time.

        Args:
            packed: the sequences.
            where: (tokens,) the places.
            keep: what to keep of a place, given its sequence, (vocabulary,) logits and what to
                subtract from those for logarithms of probabilities.
        Returns: for each sequence what was kept of its places, in order.
        """
        kept: list[list[Kept]] = [[] for _ in packed.lengths]
        for indices in plan(packed.lengths, self.budget):
            ids, type_ids, lengths = gather(packed.ids, packed.type_ids, packed.lengths, indices)
            marks, _, _ = gather(where.astype(np.int32), packed.type_ids, packed.lengths, indices)
            places = np.flatnonzero(marks)
            owners = indices[np.repeat(np.arange(len(lengths)), lengths)[places]]
            rows = chosen_logits(self.encoder, self._head, (ids, type_ids, lengths), places)
            for owner, logits in zip(owners.tolist(), rows, strict=True):
                kept[owner].append(keep(owner, logits, log_sum_exp(logits)))
        return kept

    def _fillings(
        self, logits: Floats, log_sum: float, top_k: int | None, allowed: Ints | None
    ) -> list[Filling]:
        """Name the likeliest tokens of one mask; equal ones in the vocabulary's order."""
        # A table may be padded with rows that no token has.
        named = logits[: self.tokenizer.vocab_size]
        count = len(named) if top_k is None else top_k
        considered = _top_places(named, count) if allowed is None else allowed
        order = np.lexsort((considered, -logits[considered]))[:top_k]
        return [
            Filling(self.tokenizer.vocab.tokens[id], math.exp(float(logits[id]) - log_sum), id)
            for id in considered[order].tolist()
        ]

    def _chances(self, ids: Ints, type_ids: Ints, mask: int) -> list[Chance]:
        """Judge one sequence's tokens, framing ones aside, with a copy of it for each."""
        first, size = len(self._special_tokens.before), len(ids)
        tokens = max(size - first - len(self._special_tokens.after), 0)
        copies = np.tile(ids, (tokens, 1))
        where = np.eye(tokens, size, first, dtype=np.bool_)
        copies[where] = mask
        lengths = np.full(tokens, size, np.int32)
        packed = PackedEncodings(
            copies.reshape(-1), np.tile(type_ids, tokens), lengths, np.zeros_like(lengths)
        )

        def chance(copy: int, logits: Floats, log_sum: float) -> Chance:
            id = int(ids[copy + first])
            own, named = logits[id], logits[: self.tokenizer.vocab_size]
            # Equal ones stand in the vocabulary's order, as fill has them.
            before = np.count_nonzero(named > own) + np.count_nonzero(named[:id] == own)
            return Chance(self.tokenizer.token_of(id), float(own) - log_sum, 1 + int(before))

        return [one for (one,) in self._keep_at(packed, where.reshape(-1), chance)]


def _likelihood(chances: list[Chance]) -> Likelihood:
    """Add up the chances of a text's tokens."""
    total, tokens = math.fsum(chance.log_probability for chance in chances), len(chances)
    return Likelihood(total, tokens, perplexity(total / tokens) if tokens else 1.0)


def _top_places(logits: Floats, count: int) -> NDArray[np.intp]:
    """Find the places of the largest values, and of all that equal the least of those."""
    if not 0 < count < len(logits):
        return np.arange(len(logits) if count else 0)
    # So many blocks reach their count-th largest maximum that no value below it can be wanted.
    blocks = len(logits) // _BLOCK
    if count < blocks:
        tops = logits[: blocks * _BLOCK].reshape(_BLOCK, blocks).max(axis=0)
        places = np.flatnonzero(logits >= _kth_largest(tops, count))
        return places[logits[places] >= _kth_largest(logits[places], count)]
    return np.flatnonzero(logits >= _kth_largest(logits, count))


def _kth_largest(values: Floats, count: int) -> np.float32:
    """Find the count-th largest value."""
    least: np.float32 = np.partition(values, len(values) - count)[len(values) - count]
    return least
