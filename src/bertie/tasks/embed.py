"""Texts to vectors: tokenize, encode, pool, and what the checkpoint's modules do after that."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.arguments import check_flags
from bertie.calls.batches import per_sequence, per_token, split_by_sequence
from bertie.calls.call import Call
from bertie.calls.merging import as_encodings
from bertie.calls.outputs import converter
from bertie.calls.overflow import is_finite, overflow_error
from bertie.calls.prompts import select_prompt
from bertie.calls.records import Record
from bertie.calls.texts import Text, check_texts
from bertie.calls.token_ids import pack_token_ids
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.engine import pooling
from bertie.engine.similarity import pairwise, similarity
from bertie.errors import CheckpointError, InputError
from bertie.opened import Opened
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.embed_settings import FIRST_LAST, embed_settings, kept_dimensions
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.modules import Module, build_modules, dimensions
from bertie.tokenize import PackedEncodings, PackedWindows

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

TAKES = frozenset({"pooling", "layers", "normalize", "prompts", "dimensions", "ranges"})


def prepare(opened: Opened) -> Prepared:
    """Settle how a source embeds. Raises: as bertie.load."""
    given, layout, config = opened.given, opened.layout, opened.config
    settings = {
        **opened_settings(opened),
        **embed_settings(given, layout, config),
    }
    modules = build_modules(layout)
    passing = dimensions(settings["pooling"], settings["layers"], layout, config)
    kept = kept_dimensions(given, layout, passing)
    width = kept.value
    return Prepared(
        settings={**settings, "dimensions": kept},
        start=partial(Embedder, modules=modules, dimensions=width),
        tensors={name: tensor for module in modules for name, tensor in module.tensors.items()},
        modules=tuple(module.words for module in modules),
        recipe={
            "modules": [module.recipe for module in modules],
            "dimensions": width,
            "output_type": "float32",
        },
        dimensions=width,
    )


@dataclass(frozen=True, eq=False)
class TokenVectors(Record):
    """A text's tokens, each with its vector.

    Attributes:
        tokens: as the vocabulary has them, the framing ones included.
        offsets: start and end of each in the caller's text; (0, 0) for framing ones.
        vectors: (tokens, layers x hidden size) float32.
    """

    tokens: list[str]
    offsets: list[tuple[int, int]]
    vectors: Floats

    def to_dict(self) -> dict[str, Any]:
        """Give the fields by name, as JSON knows them."""
        fields = {"tokens": self.tokens, "offsets": self.offsets}
        return {**fields, "vectors": self.vectors.tolist()}


@dataclass(frozen=True)
class _Options:
    """What one call asks for."""

    prompt_name: str | None
    prompt: str | None
    kind: str | None
    truncate: str
    normalize: bool | None
    output: str
    ranges: Any
    split_words: bool
    token_ids: bool = False


class Embedder(Model):
    """A checkpoint that is loaded and ready to embed.

    Attributes:
        dimensions: floats in one vector.
    """

    task = "embed"

    def __init__(self, parts: Parts, *, modules: Sequence[Module], dimensions: int) -> None:
        """Join the parts; bertie.load does it for a source.

        Args:
            parts: what every model has.
            modules: what pooled vectors pass through before normalization.
            dimensions: floats in one vector.
        """
        super().__init__(parts)
        self.dimensions = dimensions
        self._modules = tuple(modules)
        self._settings = parts.settings

    def embed(
        self,
        inputs: Text | Iterable[Text],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        kind: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
        output: str = "float32",
        ranges: Any = None,
        split_words: bool = False,
        token_ids: bool = False,
    ) -> NDArray[Any]:
        """Embed one text or several.

        Args:
            inputs: a text, or texts.
            prompt_name: which of the model's prompts to put before each text.
            prompt: what to put before each text instead; "" for nothing.
            kind: "query" or "document": takes the prompt of that name, if the model has one.
            truncate: what becomes of a text of more than max_length tokens: "right" and "left"
                cut that end off and warn, "error" refuses, "window" reads it in overlapping
                windows and takes the mean of what they pool to, by their tokens.
            normalize: whether to scale vectors to length 1; None does as the settings say.
            output: what vectors are made of: float32, float16, int8 or uint8 (256 steps of each
                dimension's range), binary or ubinary (8 dimensions a byte: 1 where above 0).
            ranges: (2, dimensions) for int8 and uint8, instead of the model's own.
            split_words: whether texts are lists of words.
            token_ids: whether inputs, always several, are lists of token ids instead; the tokens
                that frame a text are added where they are missing, prompts aren't.
        Returns: (dimensions,) for one text, (texts, dimensions) for several; an eighth of that for
            binary and ubinary. Of the type that output names; ubinary is uint8, binary int8.
        Raises: InputError: something that isn't a text, by its position; an unknown prompt_name,
            kind or output; a text too long for truncate="error". Nothing has been computed then.
        Raises: CheckpointError: a vector has NaN or infinity; it names the layer where that begins.
        Warns: TruncationWarning: once, with counts.
        """
        options = _Options(
            prompt_name, prompt, kind, truncate, normalize, output, ranges, split_words, token_ids
        )
        vectors: NDArray[Any] = self._call(options).run(inputs)
        return vectors

    def embed_stream(
        self,
        texts: Iterable[Text],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        kind: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
        output: str = "float32",
        ranges: Any = None,
        split_words: bool = False,
    ) -> Iterator[NDArray[Any]]:
        """Embed any number of texts in the memory of about a thousand, some ahead of the caller.

        Args:
            texts: any iterable; it is read that far ahead.
            Others: as in embed.
        Returns: an iterator over one vector for each text, in order.
        Raises: InputError: as embed does; vectors of texts far enough before have been given out.
        Warns: TruncationWarning: once, with counts, when the stream ends or is closed.
        """
        options = _Options(
            prompt_name, prompt, kind, truncate, normalize, output, ranges, split_words
        )
        return self._call(options).stream(texts, "texts")

    def embed_tokens(
        self,
        inputs: Text | Iterable[Text],
        *,
        truncate: str = "right",
        split_words: bool = False,
        token_ids: bool = False,
    ) -> Any:
        """Give every token of one text or several its hidden states, not pooled.

        Args:
            inputs: a text, or texts; no prompt is put before them.
            truncate: "right" and "left" cut texts of more than max_length tokens and warn, "error"
                refuses.
            split_words: whether texts are lists of words; offsets are then within the word.
            token_ids: as for embed; offsets are then all (0, 0).
        Returns: TokenVectors for one text, a list of them for several.
        Raises, Warns: as embed.
        """
        check_flags(token_ids=token_ids)
        truncation = Truncation(truncate, self.max_length)
        if truncation.windowed:
            raise InputError("truncate is 'window', but tokens aren't pooled: expected right, left")

        def prepare(items: list[Any], first: int) -> PackedWindows:
            if token_ids:
                return _without_offsets(pack_token_ids(self.tokenizer, items, first, truncation))
            texts = check_texts(items, first, pairs=False, split_words=split_words)
            return self._windows(texts, first, truncation, split_words=split_words)

        def compute(windows: PackedWindows) -> list[TokenVectors]:
            layers = self._settings["layers"].value

            def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
                hidden = self.encoder.forward(ids, type_ids, lengths, layers)
                if not is_finite(hidden):
                    raise overflow_error(self.encoder, (ids, type_ids, lengths), what="vectors")
                return hidden

            rows = per_token(as_encodings(windows), self.budget, forward)
            ids = split_by_sequence(windows.ids, windows.lengths)
            places = split_by_sequence(windows.offsets, windows.lengths)
            return [
                TokenVectors(
                    [self.tokenizer.token_of(id) for id in one.tolist()],
                    [(start, end) for start, end in offsets.tolist()],
                    vectors.copy(),
                )
                for one, offsets, vectors in zip(ids, places, rows, strict=True)
            ]

        return Call(prepare, compute, truncation, split_words=split_words).run(inputs)

    def ranges(self, texts: Iterable[Text], **options: Any) -> Floats:
        """Find the range of each dimension over texts like those to be read.

        Args:
            texts: some thousands.
            options: as for embed.
        Returns: (2, dimensions) float32, for load's or embed's ranges.
        Raises: InputError: fewer than two texts, or a dimension that doesn't change.
        """
        vectors = list(self.embed_stream(texts, **options))
        stacked = np.stack(vectors) if vectors else np.zeros((1, self.dimensions), np.float32)
        found: Floats = np.stack([stacked.min(axis=0), stacked.max(axis=0)])
        if not (found[0] < found[1]).all():
            raise InputError(
                f"texts are {len(vectors)}, expected some in which every dimension changes"
            )
        return found

    def similarity(self, a: Floats, b: Floats) -> Floats:
        """Compare every vector of a with every vector of b, as the model was trained to.

        Args, Returns, Raises: as bertie.engine.similarity.similarity.
        """
        self._require_numbers(a, b)
        return similarity(a, b, self._settings["similarity"].value)

    def pairwise(self, a: Floats, b: Floats) -> Floats:
        """Compare the vectors of a and b one by one, as the model was trained to.

        Args, Returns, Raises: as bertie.engine.similarity.pairwise.
        """
        self._require_numbers(a, b)
        return pairwise(a, b, self._settings["similarity"].value)

    def _require_numbers(self, *vectors: Any) -> None:
        """Refuse binary vectors, whose bytes would pass for numbers."""
        for each in vectors:
            kind, shape = getattr(each, "dtype", None), getattr(each, "shape", ())
            if kind in (np.int8, np.uint8) and shape and shape[-1] * 8 == self.dimensions:
                raise InputError(
                    f"the vectors are {self.dimensions} bits in {shape[-1]} bytes, expected"
                    " numbers: count the bits that differ instead, or embed without output="
                )

    def _call(self, options: _Options) -> Call[Tokenized]:
        """Settle what a call does."""
        chosen = (options.prompt_name, options.prompt, options.kind)
        prefix = "" if options.token_ids else select_prompt(self._settings, *chosen)
        if options.token_ids and any(chosen):
            raise InputError("token_ids: no prompt is put before token ids, expected none")
        skip = 0 if self._settings["include_prompt"].value else self._prompt_tokens(prefix)
        truncation = Truncation(options.truncate, self.max_length)
        normalize = options.normalize
        to_length_1 = bool(self._settings["normalize"].value) if normalize is None else normalize
        check_flags(normalize=to_length_1, token_ids=options.token_ids)
        ranges = self._settings["ranges"].value if options.ranges is None else options.ranges
        convert = converter(options.output, ranges, self.dimensions)

        if skip and truncation.windowed:
            raise InputError(
                "truncate is 'window', but this model leaves its prompt out of the pooling, and"
                " only the first window has it: expected right, left, error"
            )

        def prepare(items: list[Any], first: int) -> Tokenized:
            if options.token_ids:
                return Tokenized(pack_token_ids(self.tokenizer, items, first, truncation))
            texts = check_texts(items, first, pairs=False, split_words=options.split_words)
            texts = texts.prefixed(prefix) if prefix else texts
            return self._tokenize(texts, first, truncation, split_words=options.split_words)

        def compute(tokenized: Tokenized) -> NDArray[Any]:
            vectors = self._pool(tokenized, skip)
            for module in self._modules:
                vectors = module.run(vectors)
                if not is_finite(vectors):
                    raise CheckpointError(
                        "the vectors are NaN or infinite, which begins in the module"
                        f" '{module.words}': the numbers overflow in float32; train the model again"
                    )
            if vectors.shape[1] > self.dimensions:
                vectors = np.ascontiguousarray(vectors[:, : self.dimensions])
            return convert(pooling.normalize(vectors) if to_length_1 else vectors)

        return Call(prepare, compute, truncation, split_words=options.split_words)

    def _prompt_tokens(self, prefix: str) -> int:
        """Count the leading tokens that a prompt makes, [CLS] among them."""
        return len(self.tokenizer.encode(prefix).ids) - 1 if prefix else 0

    def _pool(self, tokenized: Tokenized, skip: int) -> Floats:
        """Pool each text, as many at a time as the budget says; windows of one text together."""
        modes, layers = self._settings["pooling"].value, self._settings["layers"].value
        first_last = modes == (FIRST_LAST,)
        if first_last:
            modes, layers = ("mean",), (1, -1)

        def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
            left_out = np.full(len(lengths), skip, np.int32) if skip else None
            pooled = self.encoder.forward_pooled(
                ids, type_ids, lengths, modes, layers=layers, skip=left_out
            )
            if first_last:
                first, last = np.split(pooled, 2, axis=1)
                pooled = (first + last) / np.float32(2)
            # A module's activation may turn NaN into a number, so this is looked at before.
            if not is_finite(pooled):
                batch = ids, type_ids, lengths
                raise overflow_error(self.encoder, batch, what="vectors", after="pooling")
            return pooled

        width = self.encoder.config.hidden_size * (1 if first_last else len(modes) * len(layers))
        return tokenized.averaged(per_sequence(tokenized.packed, self.budget, forward, width))


def _without_offsets(packed: PackedEncodings) -> PackedWindows:
    """Take token ids for windows that are nowhere in a text."""
    none = np.full(len(packed.ids), -1, np.int32)
    texts = np.arange(len(packed.lengths), dtype=np.int32)
    offsets = np.zeros((len(packed.ids), 2), np.int32)
    return PackedWindows(packed.ids, packed.type_ids, packed.lengths, texts, offsets, none, none)
