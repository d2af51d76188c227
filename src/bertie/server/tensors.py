"""Methods on tensors, with the outputs that exports of gobert's models have."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.batches import per_token
from bertie.calls.overflow import is_finite, overflow_error
from bertie.errors import InputError
from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# What such an export calls an embedding: the hidden states before the last layer.
_LAYERS = (-2,)


@dataclass(frozen=True, slots=True)
class Tensors:
    """An input as a TensorFlow model takes it, padded to any length.

    Attributes:
        ids: input_ids.
        mask: input_mask: ones, then zeros.
        type_ids: input_type_ids, as many.
    """

    ids: tuple[int, ...]
    mask: tuple[int, ...]
    type_ids: tuple[int, ...]


def hidden_states(model: Any, inputs: list[Tensors], _: Any) -> list[Floats]:
    """Compute hidden states.

    Args:
        model: an Embedder.
        inputs: checked.
    Returns: for each input (its padded length, hidden size) float32, zeros where it is masked.
    Raises: CheckpointError: NaN or infinity among them; it names the layer where that begins.
    """
    packed = _packed(inputs)

    def forward(ids: Ints, type_ids: Ints, lengths: Ints) -> Floats:
        states: Floats = model.encoder.forward(ids, type_ids, lengths, _LAYERS)
        if not is_finite(states):
            batch = ids, type_ids, lengths
            raise overflow_error(model.encoder, batch, what="hidden states")
        return states

    states = iter(per_token(packed, model.budget, forward))
    return [_padded(next(states), len(one.ids)) for one in inputs]


def probabilities(model: Any, inputs: list[Tensors], _: Any) -> NDArray[np.float64]:
    """Compute the score of every label, in the head's order.

    Args:
        model: a Classifier.
        inputs: checked.
    Returns: (inputs, labels) float64.
    """
    scores: NDArray[np.float64] = model.scores(_packed(inputs))
    return scores


def check(inputs: tuple[Any, ...], vocabulary: int) -> tuple[int, ...]:
    """Check inputs, and count the tokens of each that aren't masked.

    Args:
        inputs: what should be Tensors.
        vocabulary: how many ids there are.
    Raises: InputError: naming the position of one that can't be.
    """
    return tuple(_length(one, position, vocabulary) for position, one in enumerate(inputs))


def _length(one: Any, position: int, vocabulary: int) -> int:
    """Check one input."""
    if not isinstance(one, Tensors):
        raise InputError(f"instance {position} is {type(one).__name__}, expected tensors")
    sizes = (len(one.ids), len(one.mask), len(one.type_ids))
    if len(set(sizes)) > 1:
        raise InputError(
            f"instance {position}: input_ids, input_mask and input_type_ids have"
            f" {', '.join(map(str, sizes))} values, expected as many of each"
        )
    length = sum(one.mask)
    if one.mask != (1,) * length + (0,) * (len(one.mask) - length) or not length:
        raise InputError(
            f"instance {position}: input_mask isn't ones and then zeros, expected at least one 1"
            " and the padding at the end"
        )
    for id in one.ids[:length]:
        if not 0 <= id < vocabulary:
            raise InputError(
                f"instance {position}: token id {id} is beyond this model's vocabulary of"
                f" {vocabulary}, so the ids come from another model's tokenizer"
            )
    return length


def _packed(inputs: list[Tensors]) -> PackedEncodings:
    """Pack what isn't masked."""
    lengths = [sum(one.mask) for one in inputs]
    pairs = list(zip(inputs, lengths, strict=True))
    ids = [id for one, length in pairs for id in one.ids[:length]]
    type_ids = [id for one, length in pairs for id in one.type_ids[:length]]
    return PackedEncodings(
        np.array(ids, np.int32),
        np.array(type_ids, np.int32),
        np.array(lengths, np.int32),
        np.zeros(len(inputs), np.int32),
    )


def _padded(states: Floats, length: int) -> Floats:
    """Fill up with zeros."""
    whole = np.zeros((length, states.shape[1]), np.float32)
    whole[: len(states)] = states
    return whole
