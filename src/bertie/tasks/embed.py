"""Texts to vectors: tokenize, encode, pool, and what the checkpoint's modules do after that."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie import pooling
from bertie.batching import DEFAULT_BUDGET, gather, plan
from bertie.config import Setting
from bertie.encoder import Encoder
from bertie.errors import InputError
from bertie.tasks.ahead import ahead
from bertie.tasks.info import ModelInfo
from bertie.tasks.stages import Stage
from bertie.tasks.texts import check_texts, listed
from bertie.tasks.truncation import Truncation
from bertie.tokenize import PackedEncodings, Tokenizer

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# A stream goes in stretches of so many texts or characters: enough to sort by length, little enough
# to keep. One is read while another is computed.
_STREAM_TEXTS = 512
_STREAM_CHARACTERS = 2**19


@dataclass(frozen=True)
class EmbedSettings:
    """How an embedder turns texts into vectors.

    Attributes:
        pooling: the modes whose vectors are concatenated, keys of POOLINGS.
        normalize: whether vectors are scaled to length 1 at the end.
        max_length: the most tokens of a text, [CLS] and [SEP] included.
        lower_first: whether texts are lower-cased before the tokenizer sees them.
        prompts: texts to put before an input, by name.
        default_prompt_name: the prompt in use unless a call says otherwise, or None.
    """

    pooling: Setting
    normalize: Setting
    max_length: Setting
    lower_first: Setting
    prompts: Setting
    default_prompt_name: Setting


@dataclass(frozen=True)
class _Call:
    """What one call does to each of its texts."""

    prefix: str
    truncation: Truncation
    normalize: bool


class Embedder:
    """A checkpoint that is loaded and ready to embed.

    A text's vector is the same to the last bit whatever else is in the call, in whatever order,
    with however many threads. Safe to share between threads and across fork; pickles as the
    source that it was loaded from.

    Attributes:
        encoder: token ids to hidden states.
        tokenizer: texts to token ids.
        settings: what happens before, between and after.
        dimensions: floats in one vector.
    """

    def __init__(
        self,
        encoder: Encoder,
        tokenizer: Tokenizer,
        settings: EmbedSettings,
        *,
        stages: Sequence[Stage],
        dimensions: int,
        info: Callable[[], ModelInfo],
        fingerprint: Callable[[], str],
        reload: Callable[[], "Embedder"],
        budget: int = DEFAULT_BUDGET,
    ) -> None:
        """Join the parts; bertie.load does it for a source.

        Args:
            encoder, tokenizer, settings, dimensions: the attributes.
            stages: what pooled vectors pass through before normalization.
            info: describes the embedder, when it is first asked to.
            fingerprint: computes the fingerprint, when it is first asked for.
            reload: loads the same embedder again, elsewhere; it must pickle.
            budget: the most tokens in one forward pass.
        """
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.settings = settings
        self._stages = tuple(stages)
        self.dimensions = dimensions
        self._describe = info
        self._compute_fingerprint = fingerprint
        self._reload = reload
        self._budget = budget

    def __reduce__(self) -> tuple[Callable[..., "Embedder"], tuple[Any, ...]]:
        """Pickle as the call that loads it."""
        return self._reload, ()

    @property
    def max_length(self) -> int:
        """The most tokens of a text, [CLS] and [SEP] included."""
        return int(self.settings.max_length.value)

    @cached_property
    def fingerprint(self) -> str:
        """A hash over all that determines a vector; vectors of different ones don't mix."""
        return self._compute_fingerprint()

    def info(self) -> ModelInfo:
        """Describe the model, and say where each setting came from."""
        return self._described

    @cached_property
    def _described(self) -> ModelInfo:
        """Describe the model once: its files are read again for what they disagree on."""
        return self._describe()

    def embed(
        self,
        inputs: str | Iterable[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
    ) -> Floats:
        """Embed one text or several.

        Args:
            inputs: a text, or texts.
            prompt_name: which of the model's prompts to put before each text.
            prompt: what to put before each text instead; "" for nothing.
            truncate: what becomes of a text of more than max_length tokens: "right" and "left"
                cut that end off and warn, "error" refuses.
            normalize: whether to scale vectors to length 1; None does as the settings say.
        Returns: float32 (dimensions,) for one text, (texts, dimensions) for several.
        Raises: InputError: something that isn't a text, by its position; an unknown prompt_name;
            a text too long for truncate="error". Nothing has been computed then.
        Warns: TruncationWarning: once, with counts.
        """
        single = isinstance(inputs, str)
        texts = [inputs] if single else listed(inputs)
        call = self._call(prompt_name, prompt, truncate, normalize)
        vectors = self._compute(self._tokenize(texts, 0, call), call)
        call.truncation.warn(stacklevel=2)
        return vectors[0] if single else vectors

    def embed_stream(
        self,
        texts: Iterable[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
    ) -> Iterator[Floats]:
        """Embed any number of texts in the memory of about a thousand, some ahead of the caller.

        Args:
            texts: any iterable; it is read that far ahead.
            prompt_name, prompt, truncate, normalize: as in embed.
        Returns: an iterator over float32 (dimensions,), one for each text, in order.
        Raises: InputError: as embed does; vectors of texts far enough before have been given out.
        Warns: TruncationWarning: once, with counts, when the stream ends or is closed.
        """
        if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
            kind = type(texts).__name__
            raise InputError(f"texts is of type {kind}, expected an iterable of texts")
        return self._stream(texts, self._call(prompt_name, prompt, truncate, normalize))

    def _call(
        self, prompt_name: str | None, prompt: str | None, truncate: str, normalize: bool | None
    ) -> _Call:
        """Settle a call's options."""
        return _Call(
            self._prefix(prompt_name, prompt),
            Truncation(truncate, self.max_length),
            bool(self.settings.normalize.value if normalize is None else normalize),
        )

    def _prefix(self, prompt_name: str | None, prompt: str | None) -> str:
        """Find what to put before each text."""
        if prompt is not None:
            if prompt_name is not None:
                raise InputError("prompt and prompt_name are both given, expected one of them")
            check_texts([prompt])
            return prompt
        prompts = self.settings.prompts.value
        name = self.settings.default_prompt_name.value if prompt_name is None else prompt_name
        if name is None:
            return ""
        if name not in prompts:
            known = ", ".join(prompts) or "none"
            raise InputError(f"prompt_name is {name!r}, but the model's prompts are: {known}")
        return str(prompts[name])

    def _stream(self, texts: Iterable[str], call: _Call) -> Iterator[Floats]:
        """Embed a stream: a stretch is computed while the one before it is given out."""
        first = 0

        def tokenize(stretch: list[str]) -> PackedEncodings:
            nonlocal first
            packed = self._tokenize(stretch, first, call)
            first += len(stretch)
            return packed

        def compute(packed: PackedEncodings) -> Floats:
            return self._compute(packed, call)

        try:
            for vectors in ahead(_stretches(texts), tokenize, compute):
                # A caller that keeps one vector shouldn't keep its whole stretch's.
                yield from (vector.copy() for vector in vectors)
        except GeneratorExit:
            call.truncation.warn(stacklevel=2)
            raise
        call.truncation.warn(stacklevel=2)

    def _tokenize(self, texts: list[Any], first: int, call: _Call) -> PackedEncodings:
        """Make token ids of texts, the first of which is at position `first` of the call."""
        check_texts(texts, first)
        if call.prefix:
            texts = [call.prefix + text for text in texts]
        if self.settings.lower_first.value:
            texts = [text.lower() for text in texts]
        packed = self.tokenizer.encode_batch(
            texts,
            max_length=self.max_length,
            truncate=call.truncation.side,
            threads=self.encoder.threads,
        )
        call.truncation.add(packed.lengths, packed.truncated, first)
        return packed

    def _compute(self, packed: PackedEncodings, call: _Call) -> Floats:
        """Make vectors of token ids, as few at a time as the budget says."""
        passes = plan(packed.lengths, self._budget)
        if len(passes) == 1:  # nothing to pick out, nor to put back in order
            return self._vectors(packed.ids, packed.type_ids, packed.lengths, call)
        vectors = np.empty((len(packed.lengths), self.dimensions), np.float32)
        for indices in passes:
            chosen = gather(packed.ids, packed.type_ids, packed.lengths, indices)
            vectors[indices] = self._vectors(*chosen, call)
        return vectors

    def _vectors(self, ids: Ints, type_ids: Ints, lengths: Ints, call: _Call) -> Floats:
        """Take one batch all the way: encoder and pooling, the stages, normalization."""
        vectors = self.encoder.forward_pooled(ids, type_ids, lengths, self.settings.pooling.value)
        for stage in self._stages:
            vectors = stage.run(vectors)
        return pooling.normalize(vectors) if call.normalize else vectors


def _stretches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Cut a stream into lists of a bounded number of texts and, one long text aside, characters."""
    stretch: list[str] = []
    characters = 0
    for text in texts:
        stretch.append(text)
        characters += len(text) if isinstance(text, str) else 0
        if len(stretch) == _STREAM_TEXTS or characters >= _STREAM_CHARACTERS:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch
