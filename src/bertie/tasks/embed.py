"""Texts to vectors: tokenize, encode, pool, and what the checkpoint's modules do after that."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie import pooling
from bertie.errors import InputError
from bertie.opening import Opened
from bertie.tasks.embed_settings import embed_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.passes import row_each
from bertie.tasks.settle import common_settings
from bertie.tasks.stages import Stage, dimensions, stages
from bertie.tasks.stream import iterable, streamed
from bertie.tasks.texts import Texts, checked, listed
from bertie.tasks.truncation import Truncation
from bertie.tokenize import PackedEncodings

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


@dataclass(frozen=True)
class _Call:
    """What one call does to each of its texts."""

    prefix: str
    truncation: Truncation
    normalize: bool


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
        items, single = listed(inputs, pairs=False)
        call = self._call(prompt_name, prompt, truncate, normalize)
        packed = self._tokenize(self._texts(items, 0, call), 0, call.truncation)
        vectors = self._compute(packed, call)
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
        call = self._call(prompt_name, prompt, truncate, normalize)

        def tokenize(stretch: list[str], first: int) -> PackedEncodings:
            return self._tokenize(self._texts(stretch, first, call), first, call.truncation)

        def compute(packed: PackedEncodings) -> Iterable[Floats]:
            # A caller that keeps one vector shouldn't keep its whole stretch's.
            return (vector.copy() for vector in self._compute(packed, call))

        return streamed(iterable(texts, "texts"), tokenize, compute, call.truncation)

    def _call(
        self, prompt_name: str | None, prompt: str | None, truncate: str, normalize: bool | None
    ) -> _Call:
        """Settle a call's options."""
        return _Call(
            self._prefix(prompt_name, prompt),
            Truncation(truncate, self.max_length),
            bool(self._settings["normalize"].value if normalize is None else normalize),
        )

    def _texts(self, items: list[Any], first: int, call: _Call) -> Texts:
        """Check texts and put the call's prompt before each."""
        texts = checked(items, first, pairs=False)
        return texts.prefixed(call.prefix) if call.prefix else texts

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

    def _compute(self, packed: PackedEncodings, call: _Call) -> Floats:
        """Make vectors of token ids, as few at a time as the budget says."""

        def vectors(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
            modes = self._settings["pooling"].value
            found = self.encoder.forward_pooled(ids, type_ids, lengths, modes)
            for stage in self._stages:
                found = stage.run(found)
            return pooling.normalize(found) if call.normalize else found

        return row_each(packed, self.budget, vectors, self.dimensions)
