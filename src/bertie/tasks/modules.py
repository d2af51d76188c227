"""Modules between pooling and the final normalization, as sentence-transformers lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.dense import Dense
from bertie.checkpoint.sentence_layout import Normalize, SentenceLayout, TruncateDim
from bertie.checkpoint.tensor import Tensor
from bertie.engine import pooling
from bertie.engine.encoder import Linear
from bertie.errors import CheckpointError

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Module:
    """One module that vectors pass through.

    Attributes:
        run: (rows, in) float32 to (rows, out) float32.
        words: what it does, for people.
        recipe: what it does, for a fingerprint; tensors apart.
        tensors: what it multiplies by, by name.
    """

    run: Callable[[Floats], Floats]
    words: str
    recipe: dict[str, Any]
    tensors: dict[str, Tensor]


def build_modules(layout: SentenceLayout) -> tuple[Module, ...]:
    """Make a layout's modules ready, up to the final normalization, which is a setting."""
    modules = list(layout.modules)
    while modules and isinstance(modules[-1], Normalize):
        modules.pop()
    return tuple(_build(number, module) for number, module in enumerate(modules))


def dimensions(
    pooled: Setting, layers: Setting, layout: SentenceLayout, config: EncoderConfig
) -> int:
    """Follow the width from the hidden states to the vectors.

    Args:
        pooled: the pooling modes in use.
        layers: the hidden states that are pooled.
        layout: whose modules the vectors pass through.
        config: the encoder's.
    Returns: floats in one vector.
    Raises: CheckpointError: a module expects another width than it gets.
    """
    stated = layout.pooling_width
    if stated is not None and stated.value != config.hidden_size:
        raise CheckpointError(
            f"{stated.origin} is {stated.value!r}, expected {config.hidden_size} from"
            f" {config.source('hidden_size')}"
        )
    width = config.hidden_size * len(pooled.value) * len(layers.value)
    for module in layout.modules:
        if isinstance(module, Dense):
            if module.inputs != width:
                raise CheckpointError(
                    f"{module.where}: in_features is {module.inputs}, but the vectors that come"
                    f" in have {width} floats (pooling {' + '.join(pooled.value)})"
                )
            width = module.outputs
        elif isinstance(module, TruncateDim):
            width = min(width, module.outputs)
    return width


def _build(number: int, module: Dense | Normalize | TruncateDim) -> Module:
    """Make one module ready."""
    if isinstance(module, Normalize):
        return Module(pooling.normalize, "normalize", {"normalize": True}, {})
    if isinstance(module, TruncateDim):
        kept = module.outputs
        words, recipe = f"first {kept} floats", {"kept": kept}
        return Module(lambda rows: np.ascontiguousarray(rows[:, :kept]), words, recipe, {})
    bias = None if module.bias is None else module.bias.float32()
    tensors = {f"modules.{number}.weight": module.weight}
    if module.bias is not None:
        tensors[f"modules.{number}.bias"] = module.bias
    return Module(
        Linear(module.weight.float32(), bias, module.activation),
        f"dense {module.inputs} → {module.outputs}, {module.activation}",
        {"activation": module.activation},
        tensors,
    )
