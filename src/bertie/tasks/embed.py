"""Texts to vectors: tokenize, encode, pool, and what the checkpoint's modules do after that."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie import pooling
from bertie.errors import InputError
from bertie.opening import Opened
from bertie.tasks.call import Call
from bertie.tasks.embed_settings import embed_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.passes import row_each
from bertie.tasks.settle import common_settings
from bertie.tasks.stages import Stage, dimensions, stages
from bertie.tasks.texts import Text, checked
from bertie.tasks.tokenized import Tokenized
from bertie.tasks.truncation import Truncation

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

TAKES = frozenset({"pooling", "normalize", "prompts"})


def prepare(opened: Opened) -> Prepared:
    """Settle how a source embeds. Raises: as bertie.load."""
    given, layout, config = opened.given, opened.layout, opened.config
    settings = {
        **common_settings(given, layout, config, opened.tokenizer.settings),
        **embed_settings(given, layout),
    }
    passed = stages(layout)
    width = dimensions(settings["pooling"], layout, config)
    return Prepared(
        settings=settings,
        start=partial(Embedder, stages=passed, dimensions=width),
        tensors={name: tensor for stage in passed for name, tensor in stage.tensors.items()},
        modules=tuple(stage.words for stage in passed),
        recipe={
            "modules": [stage.recipe for stage in passed],
            "dimensions": width,
            "output_type": "float32",
        },
        dimensions=width,
    )


class Embedder(Model):
    """A checkpoint that is loaded and ready to embed.

    Attributes:
        dimensions: floats in one vector.
    """

    task = "embed"

    def __init__(self, parts: Parts, *, stages: Sequence[Stage], dimensions: int) -> None:
        """Join the parts; bertie.load does it for a source.

        Args:
            parts: what every model has.
            stages: what pooled vectors pass through before normalization.
            dimensions: floats in one vector.
        """
        super().__init__(parts)
        self.dimensions = dimensions
        self._stages = tuple(stages)
        self._settings = parts.settings

    def embed(
        self,
        inputs: Text | Iterable[Text],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
        split_words: bool = False,
    ) -> Floats:
        """Embed one text or several.

        Args:
            inputs: a text, or texts.
            prompt_name: which of the model's prompts to put before each text.
            prompt: what to put before each text instead; "" for nothing.
            truncate: what becomes of a text of more than max_length tokens: "right" and "left"
                cut that end off and warn, "error" refuses, "window" reads it in overlapping
                windows and takes the mean of what they pool to, by their tokens.
            normalize: whether to scale vectors to length 1; None does as the settings say.
            split_words: whether texts are lists of words.
        Returns: float32 (dimensions,) for one text, (texts, dimensions) for several.
        Raises: InputError: something that isn't a text, by its position; an unknown prompt_name;
            a text too long for truncate="error". Nothing has been computed then.
        Warns: TruncationWarning: once, with counts.
        """
        call = self._call(prompt_name, prompt, truncate, normalize, split_words)
        vectors: Floats = call.of(inputs)
        return vectors

    def embed_stream(
        self,
        texts: Iterable[Text],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate: str = "right",
        normalize: bool | None = None,
        split_words: bool = False,
    ) -> Iterator[Floats]:
        """Embed any number of texts in the memory of about a thousand, some ahead of the caller.

        Args:
            texts: any iterable; it is read that far ahead.
            prompt_name, prompt, truncate, normalize, split_words: as in embed.
        Returns: an iterator over float32 (dimensions,), one for each text, in order.
        Raises: InputError: as embed does; vectors of texts far enough before have been given out.
        Warns: TruncationWarning: once, with counts, when the stream ends or is closed.
        """
        call = self._call(prompt_name, prompt, truncate, normalize, split_words)
        return call.stream(texts, "texts")

    def _call(
        self,
        prompt_name: str | None,
        prompt: str | None,
        truncate: str,
        normalize: bool | None,
        split_words: bool,
    ) -> Call[Tokenized]:
        """Settle what a call does."""
        prefix = self._prefix(prompt_name, prompt)
        truncation = Truncation(truncate, self.max_length)
        to_length_1 = bool(self._settings["normalize"].value if normalize is None else normalize)

        def prepare(items: list[Any], first: int) -> Tokenized:
            texts = checked(items, first, pairs=False, split_words=split_words)
            texts = texts.prefixed(prefix) if prefix else texts
            return self._tokenize(texts, first, truncation, split_words=split_words)

        def compute(tokenized: Tokenized) -> Floats:
            vectors = self._pooled(tokenized)
            for stage in self._stages:
                vectors = stage.run(vectors)
            return pooling.normalize(vectors) if to_length_1 else vectors

        return Call(prepare, compute, truncation, split_words=split_words)

    def _prefix(self, prompt_name: str | None, prompt: str | None) -> str:
        """Find what to put before each text."""
        if prompt is not None:
            if prompt_name is not None:
                raise InputError("prompt and prompt_name are both given, expected one of them")
            checked([prompt], pairs=False)
            return prompt
        prompts = self._settings["prompts"].value
        name = self._settings["default_prompt_name"].value if prompt_name is None else prompt_name
        if name is None:
            return ""
        if name not in prompts:
            known = ", ".join(prompts) or "none"
            raise InputError(f"prompt_name is {name!r}, but the model's prompts are: {known}")
        return str(prompts[name])

    def _pooled(self, tokenized: Tokenized) -> Floats:
        """Pool each text, as many at a time as the budget says; windows of one text together."""
        modes = self._settings["pooling"].value

        def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
            return self.encoder.forward_pooled(ids, type_ids, lengths, modes)

        width = len(modes) * self.encoder.config.hidden_size
        return tokenized.averaged(row_each(tokenized.packed, self.budget, forward, width))
