"""Settling an embedder's settings: the caller's word first, then the files', then defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint import Normalize, SentenceLayout
from bertie.config import EncoderConfig, Setting
from bertie.errors import InputError
from bertie.pooling import POOLINGS
from bertie.tasks.embed import EmbedSettings

CALLER = "caller"


@dataclass(frozen=True)
class Given:
    """What the caller says instead of the checkpoint; None where the checkpoint decides."""

    pooling: str | Sequence[str] | None = None
    normalize: bool | None = None
    max_length: int | None = None
    prompts: Mapping[str, str] | None = None
    lower: bool | None = None


def settle(
    given: Given,
    layout: SentenceLayout,
    config: EncoderConfig,
    tokenizer: Mapping[str, Setting],
) -> EmbedSettings:
    """Settle every setting, with its origin.

    Args:
        given: the caller's.
        layout: sentence-transformers' files.
        config: the encoder's, which limits the length.
        tokenizer: the tokenizer's settings.
    Raises: InputError: something given that can't be.
    """
    prompts = _prompts(given, layout)
    return EmbedSettings(
        pooling=_pooling(given, layout),
        normalize=_normalize(given, layout),
        max_length=_max_length(given, layout, config, tokenizer),
        lower_first=_lower_first(given, layout, tokenizer),
        prompts=prompts,
        default_prompt_name=_default_prompt_name(layout, prompts),
    )


def _pooling(given: Given, layout: SentenceLayout) -> Setting:
    """Settle the pooling modes, one or several."""
    if given.pooling is None:
        return layout.pooling
    modes = (given.pooling,) if isinstance(given.pooling, str) else tuple(given.pooling)
    if not modes or any(mode not in POOLINGS for mode in modes):
        raise InputError(
            f"pooling is {shown(given.pooling)}, expected one or several of {', '.join(POOLINGS)}"
        )
    return Setting(modes, CALLER)


def _normalize(given: Given, layout: SentenceLayout) -> Setting:
    """Settle normalization: by the last module, if it is that."""
    if given.normalize is not None:
        return Setting(bool(given.normalize), CALLER)
    last = bool(layout.modules) and isinstance(layout.modules[-1], Normalize)
    return Setting(last, layout.modules_origin)


def _max_length(
    given: Given,
    layout: SentenceLayout,
    config: EncoderConfig,
    tokenizer: Mapping[str, Setting],
) -> Setting:
    """Settle the most tokens of a text: the first stated, but never beyond the positions."""
    positions = config.setting("max_position_embeddings")
    stated = [
        Setting(given.max_length, CALLER),
        layout.max_length or Setting(None, ""),
        tokenizer["max_length"],
        positions,
    ]
    first = next(setting for setting in stated if setting.value is not None)
    return first if first.value <= positions.value else positions


def _lower_first(given: Given, layout: SentenceLayout, tokenizer: Mapping[str, Setting]) -> Setting:
    """Settle lower-casing beforehand, which a tokenizer that lower-cases makes needless."""
    if given.lower is not None:
        return Setting(False, CALLER)
    if tokenizer["lower"].value:
        return Setting(False, f"the tokenizer lower-cases ({tokenizer['lower'].origin})")
    return layout.lower_first


def _prompts(given: Given, layout: SentenceLayout) -> Setting:
    """Settle the prompts."""
    if given.prompts is None:
        return layout.prompts
    prompts: Any = given.prompts
    if not isinstance(prompts, Mapping) or not all(
        isinstance(name, str) and isinstance(prompt, str) for name, prompt in prompts.items()
    ):
        raise InputError(f"prompts is {shown(prompts)}, expected texts by name")
    return Setting(dict(prompts), CALLER)


def _default_prompt_name(layout: SentenceLayout, prompts: Setting) -> Setting:
    """Keep the files' default where that prompt still is."""
    default = layout.default_prompt_name
    if default.value is None or default.value in prompts.value:
        return default
    return Setting(None, f"{CALLER}: prompts has no {default.value!r}")
