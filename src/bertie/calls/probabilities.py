"""Logits to scores, row by row."""

import math
import sys
from collections.abc import Callable, Mapping
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError

Scores = NDArray[np.float64]

# The least logarithm whose inverse is a float.
_LEAST = -math.log(sys.float_info.max)
# Why a head of one output has a sigmoid where its files name a softmax.
ALWAYS_ONE = "but one output's softmax is always 1"


def softmax(logits: NDArray[np.floating]) -> Scores:
    """Turn each row into probabilities that sum to 1; (rows, outputs), computed in float64."""
    wide = np.asarray(logits, np.float64)
    powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
    found: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return found


def log_sum_exp(logits: NDArray[np.float32]) -> float:
    """Take the natural logarithm of the sum of powers: a logit less that is softmax's logarithm.

    A vocabulary has tens of thousands of logits, so their powers are taken in float32; all else is
    float64, and the logarithms are within 1e-6 of exact ones.

    Args:
        logits: (outputs,) float32.
    """
    top = logits.max()
    return float(top) + math.log(np.exp(logits - top).sum(dtype=np.float64))


def perplexity(mean: float) -> float:
    """Take e to the power of minus a mean of logarithms; infinite where no float is that large."""
    return math.exp(-mean) if mean > _LEAST else math.inf


def sigmoid(logits: NDArray[np.floating]) -> Scores:
    """Turn each logit into a probability of its own, without overflow; computed in float64."""
    wide = np.asarray(logits, np.float64)
    power = np.exp(-np.abs(wide))
    found: Scores = np.where(wide >= 0, 1, power) / (1 + power)
    return found


def identity(logits: NDArray[np.floating]) -> Scores:
    """Leave the logits as they are, in float64."""
    return np.asarray(logits, np.float64)


ACTIVATIONS: Mapping[str, Callable[[NDArray[np.floating]], Scores]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "identity": identity,
}


def check_top_k(top_k: Any) -> None:
    """Refuse what isn't a count; 0 gives nothing, and more than there are gives all."""
    if top_k is not None and (type(top_k) is not int or top_k < 0):
        raise InputError(f"top_k is {shown(top_k)}, expected how many to give, or None for all")
