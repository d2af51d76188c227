"""Where tokens stand, as numbers: rotary frequencies, and the rows of DeBERTa's distances.

Sources: Su et al., RoFormer, arXiv:2104.09864; Peng et al., YaRN, arXiv:2309.00071; the other ways
of reaching beyond the trained length as transformers' modeling_rope_utils computes them, and GTE's
own as its authors' code does; He et al., DeBERTa, arXiv:2006.03654, with the buckets of
transformers' DebertaV2. Everything is float32 where theirs is, so that thousands of tokens later
the angles are the same.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.attention import Rotary
from bertie.errors import CheckpointError

Floats = NDArray[np.float32]
# What a config says of one kind of layer: rope_type, rope_theta and what its type needs.
Parameters = Mapping[str, Any]


def rotary(parameters: Parameters, head_size: int) -> Rotary:
    """Compute the frequencies.

    Args:
        parameters: of one kind of layer, as rope_parameters.read_parameters gives them.
        head_size: numbers of a query or key, of which a share is turned.
    Raises: CheckpointError: numbers that give no angles, such as a base of 1 where its logarithm
        divides.
    """
    dims = int(head_size * parameters["fraction"])
    try:
        with np.errstate(all="ignore"):
            frequencies, factor = _SCALES[parameters["rope_type"]](
                _frequencies(parameters["rope_theta"], dims), parameters
            )
        finite = bool(np.isfinite(frequencies).all()) and math.isfinite(factor)
    except (ArithmeticError, ValueError):  # ValueError: the logarithm of what isn't above 0
        finite = False
    if not finite:
        said = ", ".join(f"{name} {value}" for name, value in parameters.items())
        raise CheckpointError(f"{said}: expected numbers that give finite angles")
    dynamic = None
    if parameters["rope_type"] == "dynamic":
        trained = parameters["original_max_position_embeddings"]
        dynamic = (parameters["rope_theta"], parameters["factor"], trained)
    return Rotary(
        tuple(float(value) for value in frequencies), parameters["interleaved"], factor, dynamic
    )


def _frequencies(base: float, dims: int) -> Floats:
    """Spread frequencies from 1 down to nearly 1 / base, as torch computes them in float32."""
    exponents = np.arange(0, dims, 2, dtype=np.float32) / np.float32(dims)
    found: Floats = np.float32(1) / np.power(np.float32(base), exponents)
    return found


def _as_is(frequencies: Floats, parameters: Parameters) -> tuple[Floats, float]:
    return frequencies, 1.0


def _linear(frequencies: Floats, parameters: Parameters) -> tuple[Floats, float]:
    """Slow all of them down alike."""
    return frequencies / np.float32(parameters["factor"]), 1.0


def _ntk(frequencies: Floats, parameters: Parameters) -> tuple[Floats, float]:
    """Take a larger base, and slow them down by what GTE's authors' code does besides."""
    factor, pairs = parameters["factor"], len(frequencies)
    if factor <= 1:
        return frequencies, 1.0
    if parameters.get("mixed_b") is None:
        larger = _frequencies(parameters["rope_theta"] * factor, 2 * pairs)
        return larger / np.float32(factor ** (1 / pairs)), 1.0
    mixed = parameters["mixed_b"]
    step = math.log(factor) / pairs**mixed
    numbers = np.arange(1, pairs + 1, dtype=np.float32)
    return frequencies / np.exp(np.float32(step) * numbers ** np.float32(mixed)), 1.0


def _yarn(frequencies: Floats, parameters: Parameters) -> tuple[Floats, float]:
    """Leave fast pairs alone, slow the slow ones down, and go from one to the other between."""
    base, factor, pairs = parameters["rope_theta"], parameters["factor"], len(frequencies)
    trained = parameters["original_max_position_embeddings"]

    def pair_of(turns: float) -> float:
        # The pair that makes so many turns over the trained length.
        return 2 * pairs * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair_of(parameters["beta_fast"]), pair_of(parameters["beta_slow"])
    if parameters["truncate"]:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, 2 * pairs - 1)
    span = high - low or 0.001
    ramp = np.clip((np.arange(pairs, dtype=np.float32) - low) / span, 0, 1).astype(np.float32)
    slowed = frequencies / np.float32(factor)
    mixed: Floats = slowed * ramp + frequencies * (1 - ramp)
    return mixed, _yarn_attention(parameters)


def _yarn_attention(parameters: Parameters) -> float:
    """Give what cosines and sines are multiplied by, as stated or by the paper's rule."""

    def rule(mscale: float) -> float:
        factor = parameters["factor"]
        return 0.1 * mscale * math.log(factor) + 1 if factor > 1 else 1.0

    if "attention_factor" in parameters:
        return float(parameters["attention_factor"])
    if "mscale" in parameters and "mscale_all_dim" in parameters:
        return rule(parameters["mscale"]) / rule(parameters["mscale_all_dim"])
    return rule(1.0)


def _llama3(frequencies: Floats, parameters: Parameters) -> tuple[Floats, float]:
    """Slow down what turns rarely over the trained length, with a smooth passage."""
    factor, trained = parameters["factor"], parameters["original_max_position_embeddings"]
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    lengths = np.float32(2 * math.pi) / frequencies
    share = ((trained / lengths - low) / (high - low)).astype(np.float32)
    between = (1 - share) * frequencies / np.float32(factor) + share * frequencies
    slowed = np.where(lengths > trained / low, frequencies / np.float32(factor), between)
    mixed: Floats = np.where(lengths < trained / high, frequencies, slowed).astype(np.float32)
    return mixed, 1.0


_Scale = Callable[[Floats, Parameters], tuple[Floats, float]]
_SCALES: Mapping[str, _Scale] = {
    "default": _as_is,
    "linear": _linear,
    "dynamic": _as_is,
    "ntk": _ntk,
    "yarn": _yarn,
    "llama3": _llama3,
}


def distance_rows(positions: int, span: int, buckets: int, largest: int) -> tuple[int, ...]:
    """Find the row of each distance in the table of relative embeddings.

    Args:
        positions: the most tokens of a sequence.
        span: half of the table's rows.
        buckets: distances from half of this on share rows, ever more of them; 0: each has its own.
        largest: the distance from which on they share the last one.
    """
    distances = np.arange(1 - positions, positions, dtype=np.int64)
    found = distances if buckets <= 0 else _bucketed(distances, buckets, largest)
    return tuple(np.clip(found + span, 0, 2 * span - 1).tolist())


def _bucketed(distances: NDArray[np.int64], buckets: int, largest: int) -> NDArray[np.int64]:
    """Let distances from half of the buckets on grow with their logarithm, as torch's float32."""
    middle = buckets // 2
    magnitude = np.abs(distances).astype(np.float32)
    near = (distances < middle) & (distances > -middle)
    counted = np.where(near, np.float32(middle - 1), magnitude)
    whole = np.log(np.float32((largest - 1) / middle))
    # With middle 1 those that are near have the logarithm of 0, and are counted one by one below.
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.ceil(np.log(counted / np.float32(middle)) / whole * np.float32(middle - 1))
    far = (grown + np.float32(middle)) * np.sign(distances).astype(np.float32)
    return np.where(counted <= middle, distances, np.nan_to_num(far)).astype(np.int64)
