"""An embedder's own settings: pooling, normalization, prompts."""

from collections.abc import Mapping, Sequence
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.sentence_layout import Normalize, SentenceLayout
from bertie.engine.pooling import POOLINGS
from bertie.errors import InputError
from bertie.opened import Given

# The mean of the first and the last layer's mean: arXiv:2103.15316 (BERT-whitening), section 4.1.
FIRST_LAST = "first_last"
# Other words for poolings. A text's last token is its [SEP].
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "mean_max": ("mean", "max"),
    "mean_sqrt_len": ("mean_sqrt_len_tokens",),
    "weighted_mean": ("weightedmean",),
    "last_token": ("lasttoken",),
    "sep": ("lasttoken",),
}


def embed_settings(
    given: Given, layout: SentenceLayout, config: EncoderConfig
) -> dict[str, Setting]:
    """Settle how an embedder turns hidden states into vectors.

    Args:
        given: the caller's.
        layout: sentence-transformers' files.
        config: the encoder's, which has so many layers.
    Returns: pooling, the modes whose vectors are concatenated, keys of POOLINGS, or first_last;
        layers, the hidden states that are pooled, whose vectors are concatenated; normalize,
        whether vectors are scaled to length 1 at the end; prompts, texts to put before an input,
        by name; default_prompt_name, the prompt in use unless a call says otherwise, or None;
        include_prompt, whether a prompt's tokens are pooled; similarity, what vectors are compared
        by, a key of SIMILARITIES; ranges, what int8 vectors are cut to, or None.
    Raises: InputError: something given that can't be.
    """
    prompts = _prompts(given, layout)
    return {
        "pooling": _pooling(given, layout),
        "layers": _layers(given, config),
        "normalize": _normalize(given, layout),
        "prompts": prompts,
        "default_prompt_name": _default_prompt_name(layout, prompts),
        "include_prompt": layout.include_prompt,
        "similarity": layout.similarity,
        "ranges": _ranges(given),
    }


def _pooling(given: Given, layout: SentenceLayout) -> Setting:
    """Settle the pooling modes, one or several."""
    if given.pooling is None:
        return layout.pooling
    several = isinstance(given.pooling, Sequence) and not isinstance(given.pooling, str)
    modes: tuple[Any, ...] = tuple(given.pooling) if several else (given.pooling,)
    known = all(isinstance(mode, str) and (mode in POOLINGS or mode in _ALIASES) for mode in modes)
    if not modes or not (known or modes == (FIRST_LAST,)):
        names = ", ".join((*POOLINGS, *_ALIASES, FIRST_LAST))
        raise InputError(f"pooling is {shown(given.pooling)}, expected one or several of {names}")
    settled = tuple(one for mode in modes for one in _ALIASES.get(mode, (mode,)))
    return Setting(settled, given.origin("pooling"))


def _layers(given: Given, config: EncoderConfig) -> Setting:
    """Settle the layers whose hidden states are pooled."""
    if given.layers is None:
        return Setting((-1,), "default: the last")
    layers: Any = given.layers
    most = config.num_hidden_layers
    if (
        isinstance(layers, str)
        or not isinstance(layers, Sequence)
        or not layers
        or not all(type(layer) is int and -most - 1 <= layer <= most for layer in layers)
    ):
        raise InputError(
            f"layers is {shown(layers)}, expected numbers from 0, the embeddings, to {most}, the"
            " last, or negative ones that count from the end"
        )
    if given.pooling == FIRST_LAST:
        raise InputError(f"layers is given, but pooling {FIRST_LAST} says itself which they are")
    return Setting(tuple(layers), given.origin("layers"))


def _ranges(given: Given) -> Setting:
    """Settle the least and largest value of each dimension, for vectors of bytes."""
    if given.ranges is None:
        return Setting(None, "default: none, so there are no int8 vectors")
    try:
        ranges = np.asarray(given.ranges, np.float64)
    except (TypeError, ValueError):
        ranges = np.zeros(0)
    if ranges.ndim != 2 or len(ranges) != 2 or not (ranges[0] < ranges[1]).all():
        raise InputError(
            f"ranges is {shown(given.ranges)}, expected two rows: each dimension's least value, and"
            " a larger one"
        )
    return Setting(ranges.tolist(), given.origin("ranges"))


def _normalize(given: Given, layout: SentenceLayout) -> Setting:
    """Settle normalization: by the last module, if it is that."""
    if given.normalize is not None:
        return Setting(given.normalize, given.origin("normalize"))
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


def kept_dimensions(given: Given, layout: SentenceLayout, width: int) -> Setting:
    """Settle how many floats of a vector are kept.

    Args:
        given: the caller's.
        layout: sentence-transformers' files, whose truncate_dim is among the modules already.
        width: floats of a vector that has passed through them.
    Raises: InputError: none of them, or more than there are.
    """
    kept = given.dimensions
    if kept is None:
        stated = layout.dimensions
        return Setting(width, stated.origin if stated.value == width else "default: all of them")
    if type(kept) is not int or not 0 < kept <= width:
        raise InputError(f"dimensions is {shown(kept)}, expected 1 to {width}")
    return Setting(kept, given.origin("dimensions"))
