"""Texts to a vector for each token, compared token by token, as ColBERT does."""

import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.batches import per_token, split_by_sequence
from bertie.calls.call import Call
from bertie.calls.overflow import is_finite, overflow_error
from bertie.calls.probabilities import check_top_k
from bertie.calls.prompts import fixed_prompt, kinds_by_prompt
from bertie.calls.texts import as_list, check_texts
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.checkpoint.queries import Expansion
from bertie.engine.heads import Head
from bertie.engine.pooling import normalize
from bertie.errors import CheckpointError, InputError
from bertie.known.sentence import COLBERT
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.multivector_settings import multivector_settings
from bertie.tasks.rank import Ranked
from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

TAKES: frozenset[str] = frozenset()

METADATA = COLBERT  # where ColBERT keeps its own settings
KINDS = ("query", "document")


def prepare(opened: Opened) -> Prepared:
    """Settle how a source embeds. Raises: TaskError: it has no projection of every token."""
    record = head.required_head(opened, "multivector")
    common = opened_settings(opened)
    settings = {**common, **multivector_settings(opened, common["max_length"])}
    start = partial(MultiVectorEmbedder, record=record)
    return replace(head.prepared(record, settings, start), dimensions=record.outputs)


@dataclass(frozen=True)
class _Kind:
    """How texts of one kind are read.

    Attributes:
        length: the most tokens.
        marker: the id of the token behind the first one, or None.
        prompt: what is put before each text.
        skipped: ids of tokens whose vectors are left out.
        expansion: what texts are filled up with, or None.
    """

    length: int
    marker: int | None = None
    prompt: str = ""
    skipped: frozenset[int] = frozenset()
    expansion: Expansion | None = None


class MultiVectorEmbedder(Model):
    """A checkpoint that is loaded and ready to give every token of a text a vector.

    A query is filled up with mask tokens, whose vectors count like those of its words; of a
    document the punctuation is left out.

    Source: Khattab and Zaharia, ColBERT, arXiv:2004.12832, section 3.2; Santhanam et al., ColBERT
    v2, arXiv:2112.01488.

    Attributes:
        dimensions: floats in one vector.
    """

    task = "multivector"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.dimensions = record.outputs
        self._head = Head(record, threads=self.encoder.threads)
        self._values = {name: setting.value for name, setting in parts.settings.items()}
        self._filler = self._token("mask_token", self.tokenizer.settings["mask_token"].value)
        self._kinds = (
            self._prompted_kinds() if kinds_by_prompt(parts.settings) else self._marked_kinds()
        )

    def _token(self, role: str, token: Any) -> int:
        """Give the id of a token that the vocabulary must have."""
        if token not in self.tokenizer.vocab:
            raise CheckpointError(
                f"{role} is {token!r}, which the vocabulary doesn't have; expected one of its"
                " tokens"
            )
        return self.tokenizer.id_of(token)

    def _ids(self, words: Iterable[str]) -> frozenset[int]:
        """Give the ids of those of some words that are tokens."""
        vocab = self.tokenizer.vocab
        return frozenset(self.tokenizer.id_of(word) for word in words if word in vocab)

    def _marked_kinds(self) -> dict[str, _Kind]:
        """Settle how texts are read as ColBERT and PyLate do: with a marker behind [CLS]."""
        values = self._values
        punctuation = string.punctuation if values.get("skip_punctuation") else ""
        longest = values["query_length"]
        filled = values.get("expand_queries", True)
        return {
            "query": _Kind(
                longest,
                self._token("query_marker", values["query_marker"]),
                expansion=Expansion(longest, True, values["attend_to_masks"]) if filled else None,
            ),
            "document": _Kind(
                min(values["document_length"], self.max_length),
                self._token("document_marker", values["document_marker"]),
                skipped=self._ids(values.get("skipped", punctuation)),
            ),
        }

    def _prompted_kinds(self) -> dict[str, _Kind]:
        """Settle how texts are read as sentence-transformers does: with a prompt before them."""
        values = self._values
        filled = values["expansion"]
        expansion = None if filled is None else Expansion(**filled)
        if expansion is not None and expansion.token is not None:
            self._filler = self._token("query_expansion.token", expansion.token)
        skipped = self._ids(values["skipped"])
        return {
            kind: _Kind(
                values[f"{kind}_length"],
                prompt=fixed_prompt(self._parts.settings, kind),
                skipped=skipped if kind in values["skipped_in"] else frozenset(),
                expansion=expansion if kind == "query" else None,
            )
            for kind in KINDS
        }

    def embed_multi(
        self, inputs: str | Iterable[str], *, kind: str = "document", truncate: str = "right"
    ) -> Any:
        """Embed one text or several, a vector a token.

        Args:
            inputs: a text, or texts.
            kind: "query" or "document".
            truncate: what becomes of a text of more tokens than its kind has: "right" and "left"
                cut that end off and warn, "error" refuses.
        Returns: (tokens, dimensions) float32, each row of length 1, for one text; a list of such
            for several.
        Raises: InputError: something that isn't a text, by its position; another kind; a text too
            long for truncate="error".
        Raises: CheckpointError: a vector has NaN or infinity; it names the layer where that begins.
        Warns: TruncationWarning: once, with counts.
        """
        return self._call(kind, truncate).run(inputs)

    def embed_multi_stream(
        self, texts: Iterable[str], *, kind: str = "document", truncate: str = "right"
    ) -> Iterator[Floats]:
        """Embed any number of texts in the memory of about a thousand, some ahead, in order.

        Args, Raises, Warns: as embed_multi.
        """
        return self._call(kind, truncate).stream(texts, "texts")

    def rank_multi(
        self,
        query: str,
        documents: Iterable[str],
        *,
        top_k: int | None = None,
        truncate: str = "right",
    ) -> list[Ranked]:
        """Rank documents by how well their tokens answer those of a query.

        Args:
            query: a text.
            documents: texts.
            top_k: the most documents to give; None gives all.
            truncate: as for embed_multi.
        Returns: the best first; equal ones in the order given.
        Raises, Warns: as embed_multi.
        """
        check_top_k(top_k)
        query_vectors = self.embed_multi([query], kind="query", truncate=truncate)[0]
        texts, _ = as_list(documents, pairs=False)
        found = self.embed_multi(texts, truncate=truncate)
        scores = np.array([maxsim(query_vectors, document) for document in found])
        order = np.argsort(-scores, kind="stable")[:top_k].tolist()
        return [Ranked(index, float(scores[index])) for index in order]

    def _call(self, kind: str, truncate: str) -> Call[PackedEncodings]:
        """Settle what a call does."""
        if kind not in tuple(self._kinds):
            raise InputError(f"kind is {shown(kind)}, expected one of {', '.join(KINDS)}")
        reading = self._kinds[kind]
        # A marker takes one more.
        truncation = Truncation(truncate, reading.length - (reading.marker is not None))
        if truncation.windowed:
            raise InputError("truncate is 'window', expected right, left, error")

        def prepare(items: list[Any], first: int) -> PackedEncodings:
            texts = check_texts(items, first, pairs=False)
            texts = texts.prefixed(reading.prompt) if reading.prompt else texts
            packed = self._tokenize(texts, first, truncation).packed
            return packed if reading.marker is None else _insert_marker(packed, reading.marker)

        def compute(packed: PackedEncodings) -> list[Floats]:
            if reading.expansion is not None:
                return self._embed_expanded(packed, reading.expansion, reading.skipped)
            rows = per_token(packed, self.budget, self._vectors)
            return _without_skipped(rows, packed, reading.skipped)

        return Call(prepare, compute, truncation)

    def _embed_expanded(
        self, packed: PackedEncodings, expansion: Expansion, skipped: frozenset[int]
    ) -> list[Floats]:
        """Fill texts up with a token and embed them."""
        longer = np.maximum(packed.lengths, expansion.length).astype(np.int32)
        # Each text's tokens, then what fills it up.
        ends = np.repeat(np.cumsum(packed.lengths), longer - packed.lengths)
        filled = PackedEncodings(
            np.insert(packed.ids, ends, self._filler).astype(np.int32),
            np.insert(packed.type_ids, ends, 0).astype(np.int32),
            longer,
            packed.truncated,
        )
        attended = longer if expansion.attend else packed.lengths
        found: list[Floats] = []
        starts = np.cumsum(longer) - longer
        step = max(self.budget // int(longer.max(initial=1)), 1)
        for first in range(0, len(longer), step):
            some = slice(first, first + step)
            begin, count = int(starts[first]), int(longer[some].sum())
            ids, types = (part[begin : begin + count] for part in (filled.ids, filled.type_ids))
            rows = self._vectors(ids, types, longer[some], attended[some])
            found += [part.copy() for part in split_by_sequence(rows, longer[some])]
        return _without_skipped(found, filled, skipped)

    def _vectors(
        self, ids: Ints, type_ids: Ints, lengths: Ints, attended: Ints | None = None
    ) -> Floats:
        """Compute every token's vector in one forward pass."""
        hidden = self.encoder.forward(ids, type_ids, lengths, attended=attended)
        if not (is_finite(hidden) and is_finite(rows := self._head.logits(hidden))):
            batch = ids, type_ids, lengths
            raise overflow_error(self.encoder, batch, attended, what="vectors", after="projection")
        return normalize(rows)


def _without_skipped(
    rows: Iterable[Floats], packed: PackedEncodings, skipped: frozenset[int]
) -> list[Floats]:
    """Leave some tokens' vectors out of each text's."""
    kept = ~np.isin(packed.ids, np.array(sorted(skipped), np.int32))
    parts = split_by_sequence(kept, packed.lengths)
    return [values[keep] for values, keep in zip(rows, parts, strict=True)]


def maxsim(query: Floats, document: Floats) -> float:
    """Compare two texts token by token: each query token by the document's token most like it.

    Args:
        query: (tokens, dim) float32.
        document: (tokens, dim) float32.
    Returns: the sum over the query's tokens of their largest dot products.
    Raises: InputError: vectors of unlike widths.
    Source: Khattab and Zaharia, ColBERT, arXiv:2004.12832, section 3.3.
    """
    if query.shape[1] != document.shape[1]:
        raise InputError(
            f"query is {query.shape} and document {document.shape}, expected one width"
        )
    if not len(document):
        return 0.0
    # einsum adds a pair's products in one order, whatever other tokens there are.
    products = np.einsum("qd,td->qt", query, document)
    return float(products.max(axis=1).sum(dtype=np.float64))


def _insert_marker(packed: PackedEncodings, marker: int) -> PackedEncodings:
    """Put a marker behind the first token of each sequence."""
    starts = np.cumsum(packed.lengths) - packed.lengths
    places = starts + 1
    return PackedEncodings(
        np.insert(packed.ids, places, marker).astype(np.int32),
        np.insert(packed.type_ids, places, 0).astype(np.int32),
        packed.lengths + np.int32(1),
        packed.truncated,
    )
