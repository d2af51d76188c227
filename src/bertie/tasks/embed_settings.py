"""An embedder's own settings: pooling, normalization, prompts."""

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint import Normalize, SentenceLayout
from bertie.config import Setting
from bertie.errors import InputError
from bertie.opening import Given
from bertie.pooling import POOLINGS


def embed_settings(given: Given, layout: SentenceLayout) -> dict[str, Setting]:
    """Settle how an embedder turns hidden states into vectors.

    Args:
        given: the caller's.
        layout: sentence-transformers' files.
    Returns: pooling, the modes whose vectors are concatenated, keys of POOLINGS; normalize, whether
        vectors are scaled to length 1 at the end; prompts, texts to put before an input, by name;
        default_prompt_name, the prompt in use unless a call says otherwise, or None.
    Raises: InputError: something given that can't be.
    """
    prompts = _prompts(given, layout)
    return {
        "pooling": _pooling(given, layout),
        "normalize": _normalize(given, layout),
        "prompts": prompts,
        "default_prompt_name": _default_prompt_name(layout, prompts),
    }


def _pooling(given: Given, layout: SentenceLayout) -> Setting:
    """Settle the pooling modes, one or several."""
    if given.pooling is None:
        return layout.pooling
    modes = (given.pooling,) if isinstance(given.pooling, str) else tuple(given.pooling)
    if not modes or any(mode not in POOLINGS for mode in modes):
        raise InputError(
            f"pooling is {shown(given.pooling)}, expected one or several of {', '.join(POOLINGS)}"
        )
    return Setting(modes, given.origin("pooling"))


def _normalize(given: Given, layout: SentenceLayout) -> Setting:
    """Settle normalization: by the last module, if it is that."""
    if given.normalize is not None:
        return Setting(bool(given.normalize), given.origin("normalize"))
    last = bool(layout.modules) and isinstance(layout.modules[-1], Normalize)
    return Setting(last, layout.modules_origin)


def _prompts(given: Given, layout: SentenceLayout) -> Setting:
    """Settle the prompts."""
    if given.prompts is None:
        return layout.prompts
    prompts: Any = given.prompts
    if not isinstance(prompts, Mapping) or not all(
        isinstance(name, str) and isinstance(prompt, str) for name, prompt in prompts.items()
    ):
        raise InputError(f"prompts is {shown(prompts)}, expected texts by name")
    return Setting(dict(prompts), given.origin("prompts"))


def _default_prompt_name(layout: SentenceLayout, prompts: Setting) -> Setting:
    """Keep the files' default where that prompt still is."""
    default = layout.default_prompt_name
    if default.value is None or default.value in prompts.value:
        return default
    return Setting(None, f"{prompts.origin}: prompts has no {default.value!r}")
