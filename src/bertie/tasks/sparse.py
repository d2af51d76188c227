"""Texts to sparse vectors over the vocabulary, as SPLADE makes them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.arguments import check_flags
from bertie.calls.call import Call
from bertie.calls.logits import max_logits
from bertie.calls.probabilities import check_top_k
from bertie.calls.prompts import default_prompt, fixed_prompt, prompt_notes
from bertie.calls.records import Record
from bertie.calls.texts import Text, check_texts
from bertie.calls.token_ids import pack_token_ids
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.checkpoint.heads import HeadRecord
from bertie.engine.heads import Head
from bertie.errors import ExtraMissing
from bertie.opened import Opened
from bertie.tasks import head
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

TAKES: frozenset[str] = frozenset()


def prepare(opened: Opened) -> Prepared:
    """Settle how a source embeds. Raises: TaskError: it has no head for masked words."""
    record = head.required_head(opened, "sparse")
    layout = opened.layout
    settings = {**opened_settings(opened), "weighting": layout.weighting, **default_prompt(layout)}
    if layout.most_weights.value is not None:
        settings["most_weights"] = layout.most_weights
    found = head.prepared(record, settings, partial(SparseEmbedder, record=record))
    return replace(found, notes=(*found.notes, *prompt_notes(layout)))


@dataclass(frozen=True, eq=False)
class SparseVector(Record):
    """A vector whose numbers are mostly zero.

    Attributes:
        indices: (numbers,) int32, the tokens of the vocabulary that have one, ascending.
        weights: (numbers,) float32, above zero.
    """

    indices: Ints
    weights: Floats

    def to_dict(self) -> dict[str, Any]:
        """Give the fields by name, as JSON knows them."""
        return {"indices": self.indices.tolist(), "weights": self.weights.tolist()}


class SparseEmbedder(Model):
    """A checkpoint that is loaded and ready to embed sparsely.

    A token's weight is log(1 + max(0, logit)), the largest over all tokens of the text; where
    sentence-transformers' files say log1p_relu, the logarithm of one more than that.

    Source: Formal et al., SPLADE v2, arXiv:2109.10086, section 3.1; Shen et al.,
    arXiv:2504.14839.

    Attributes:
        dimensions: tokens of the vocabulary.
    """

    task = "sparse"

    def __init__(self, parts: Parts, *, record: HeadRecord) -> None:
        """Join the parts; bertie.load does it for a source."""
        super().__init__(parts)
        self.dimensions = record.outputs
        self._head = Head(record, threads=self.encoder.threads, precision=self.encoder.precision)
        values = {name: setting.value for name, setting in parts.settings.items()}
        self._log1p_twice = values["weighting"] == "log1p_relu"
        self._max_weights = values.get("most_weights")
        self._prompt = fixed_prompt(parts.settings, "document")

    def embed_sparse(
        self,
        inputs: Text | Iterable[Text],
        *,
        top_k: int | None = None,
        truncate: str = "right",
        split_words: bool = False,
        token_ids: bool = False,
    ) -> Any:
        """Embed one text or several.

        Args:
            inputs: a text, or texts.
            top_k: the most weights to keep of a text, the largest; None keeps
                as many as the checkpoint says (max_active_dims), else all above zero.
            truncate: what becomes of a text of more than max_length tokens: "right" and "left" cut
                that end off and warn, "error" refuses, "window" reads it in overlapping windows
                and takes the largest weights.
            split_words: whether texts are lists of words.
            token_ids: whether inputs, always several, are lists of token ids instead; the tokens
                that frame a text are added where they are missing.
        Returns: a SparseVector for one text, a list of them for several.
        Raises: InputError: something that isn't a text, by its position; a top_k below 0; a text
            too long for truncate="error".
        Raises: CheckpointError: the logits are NaN.
        Warns: TruncationWarning: once, with counts.
        """
        return self._call(top_k, truncate, split_words, token_ids).run(inputs)

    def embed_sparse_stream(
        self,
        texts: Iterable[Text],
        *,
        top_k: int | None = None,
        truncate: str = "right",
        split_words: bool = False,
    ) -> Iterator[SparseVector]:
        """Embed any number of texts in the memory of about a thousand, some ahead, in order.

        Args, Raises, Warns: as embed_sparse.
        """
        return self._call(top_k, truncate, split_words).stream(texts, "texts")

    def csr(self, vectors: Iterable[SparseVector]) -> Any:
        """Put vectors into one matrix.

        Args:
            vectors: of this model.
        Returns: scipy.sparse.csr_matrix (vectors, dimensions) float32.
        Raises: ExtraMissing: SciPy isn't installed.
        """
        try:
            from scipy.sparse import csr_matrix
        except ImportError as error:
            raise ExtraMissing(
                "a CSR matrix needs SciPy: pip install 'bertie[search]', or take the vectors'"
                " indices and weights"
            ) from error
        rows = list(vectors)
        ends = np.cumsum([0, *(len(row.indices) for row in rows)])
        indices = np.concatenate([np.zeros(0, np.int32), *(row.indices for row in rows)])
        weights = np.concatenate([np.zeros(0, np.float32), *(row.weights for row in rows)])
        return csr_matrix((weights, indices, ends), shape=(len(rows), self.dimensions))

    def tokens(self, vector: SparseVector) -> list[tuple[str, float]]:
        """Name a vector's tokens with their weights, the largest first."""
        order = np.argsort(-vector.weights, kind="stable")
        pairs = zip(vector.indices[order].tolist(), vector.weights[order].tolist(), strict=True)
        return [(self.tokenizer.token_of(index), weight) for index, weight in pairs]

    def _call(
        self, top_k: int | None, truncate: str, split_words: bool, token_ids: bool = False
    ) -> Call[Tokenized]:
        """Settle what a call does."""
        check_top_k(top_k)
        check_flags(token_ids=token_ids)
        most = self._max_weights if top_k is None else top_k
        truncation = Truncation(truncate, self.max_length)

        def prepare(items: list[Any], first: int) -> Tokenized:
            if token_ids:
                return Tokenized(pack_token_ids(self.tokenizer, items, first, truncation))
            texts = check_texts(items, first, pairs=False, split_words=split_words)
            texts = texts.prefixed(self._prompt) if self._prompt else texts
            return self._tokenize(texts, first, truncation, split_words=split_words)

        def compute(tokenized: Tokenized) -> list[SparseVector]:
            packed, owners = tokenized.packed, tokenized.owners
            rows = max_logits(self.encoder, self._head, packed, self.budget)
            sequences = {number: _to_sparse(logits, self._log1p_twice) for number, logits in rows}
            parts: dict[int, list[SparseVector]] = {}
            for number in range(len(packed.lengths)):
                owner = number if owners is None else int(owners[number])
                parts.setdefault(owner, []).append(sequences[number])
            return [_keep_largest(_max_over_windows(several), most) for several in parts.values()]

        return Call(prepare, compute, truncation, split_words=split_words)


def _to_sparse(logits: Floats, twice: bool) -> SparseVector:
    """Turn the largest logits into weights, and leave out those that are zero."""
    indices = np.flatnonzero(logits > 0).astype(np.int32)
    weights = np.log1p(logits[indices])
    return SparseVector(indices, np.log1p(weights) if twice else weights)


def _max_over_windows(windows: list[SparseVector]) -> SparseVector:
    """Take the largest weights of a text's windows."""
    if len(windows) == 1:
        return windows[0]
    everything = np.concatenate([window.indices for window in windows])
    indices, places = np.unique(everything, return_inverse=True)
    weights = np.zeros(len(indices), np.float32)
    np.maximum.at(weights, places, np.concatenate([window.weights for window in windows]))
    return SparseVector(indices, weights)


def _keep_largest(vector: SparseVector, top_k: int | None) -> SparseVector:
    """Keep the largest weights, of equal ones those of the first tokens."""
    if top_k is None or len(vector.indices) <= top_k:
        return vector
    kept = np.sort(np.argsort(-vector.weights, kind="stable")[:top_k])
    return SparseVector(vector.indices[kept], vector.weights[kept])
