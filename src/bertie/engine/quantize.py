"""Quantizing to int8: divisors that move the activations' outliers into the weights.

A few input channels of a layer are far larger than the others, and a scale that fits them leaves
little of int8's range to the rest. Dividing each channel of the input by a number and multiplying
the weights that read it by the same changes no result and evens the channels out.

Source: SmoothQuant, arXiv:2211.10438, section 4.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.bundle import SMOOTHING
from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig
from bertie.checkpoint.tensor import Tensor
from bertie.engine.batching import gather, plan
from bertie.engine.calibration import Calibration
from bertie.engine.encoder import Encoder, Recipe, selected_isa
from bertie.errors import CheckpointError

Floats = NDArray[np.float32]

# Names how the divisors come about, in fingerprints and in the cache: change one, change it.
RECIPE = "smooth-0.5-1"
# How much of the ratio of input to weight goes into the divisor; 0.5 splits it evenly.
_STRENGTH = 0.5
# Divisors are powers of 2 ** (1 / this): the last bits in which instruction sets differ don't show.
_STEPS = 8
# Divisors stay within 2 to the power of plus and minus this: what lies beyond is noise.
_LARGEST_EXPONENT = 16
# Tokens that one thread observes at a time.
_OBSERVED_TOKENS = 512
_HEADS = ("query", "key", "value")
_DIGEST = 32  # bytes of SHA-256 before an entry's float32 divisors


@dataclass(frozen=True)
class Product:
    """One matrix product of the encoder.

    Attributes:
        name: what the core calls it.
        weights: the tensors that it multiplies by, side by side.
        inputs: channels of its input.
    """

    name: str
    weights: tuple[str, ...]
    inputs: int


def int8_recipe(
    config: EncoderConfig,
    tensors: Mapping[str, Tensor],
    calibration: Calibration,
    *,
    tensors_hash: str,
    cache: Path,
    threads: int | None = None,
) -> Recipe:
    """Find how to quantize an encoder, or recall it.

    Args:
        config: the encoder's.
        tensors: all that the encoder uses, by canonical name.
        calibration: what it will read, in a sample.
        tensors_hash: a hash over the tensors.
        cache: the directory that keeps what was found before.
        threads: at most so many cores at a time; None takes all that the process may use.
    Raises: InputError: as Encoder does.
    """
    listed = tuple(products(config))
    path = cache / _key(config, calibration, tensors_hash)
    flat = _read(path, sum(product.inputs for product in listed))
    if flat is None:
        peaks = observe(Encoder(config, tensors, threads=threads), calibration)
        flat = np.concatenate([divisors(peaks[p.name], _weight_peaks(p, tensors)) for p in listed])
        # A cache that can't be written costs time, nothing else.
        with suppress(OSError):
            _write(path, flat)
    ends = np.cumsum([product.inputs for product in listed])
    parts = np.split(flat, ends[:-1])
    return Recipe("int8", {p.name: part for p, part in zip(listed, parts, strict=True)})


def stored_recipe(config: EncoderConfig, tensors: Mapping[str, Tensor]) -> Recipe:
    """Read how a bundle's weights were quantized.

    Args:
        config: the encoder's.
        tensors: the bundle's, with the divisors of each product under its name and SMOOTHING.
    Raises: CheckpointError: divisors are missing, misshapen, or can't divide.
    """
    smoothing = {}
    for product in products(config):
        tensor = tensors.get(product.name + SMOOTHING)
        if tensor is None or (tensor.dtype, tensor.shape) != ("F32", (product.inputs,)):
            raise CheckpointError(
                f"the bundle lacks {product.name}{SMOOTHING}, expected F32 ({product.inputs},):"
                " export it anew"
            )
        values = tensor.float32()
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise CheckpointError(
                f"{tensor.file}: {tensor.name} has values to divide by that aren't above 0:"
                " copy the bundle again"
            )
        smoothing[product.name] = values
    return Recipe("int8", smoothing)


def divisors(input_peaks: Floats, weight_peaks: Floats) -> Floats:
    """Give the number to divide each input channel by.

    Args:
        input_peaks: (channels,) the largest magnitude of each in a sample.
        weight_peaks: (channels,) the largest magnitude among the weights that read it.
    Returns: (channels,) float32; 1 for a channel that is always zero.
    Source: SmoothQuant, arXiv:2211.10438, equation 4.
    """
    both = (input_peaks > 0) & (weight_peaks > 0)
    inputs, weights = np.log2(np.where(both, (input_peaks, weight_peaks), 1).astype(np.float64))
    exponents = np.rint((_STRENGTH * inputs - (1 - _STRENGTH) * weights) * _STEPS) / _STEPS
    exponents = np.clip(exponents, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    found: Floats = np.exp2(exponents).astype(np.float32)
    return found


def observe(encoder: Encoder, calibration: Calibration) -> dict[str, Floats]:
    """Find the largest magnitude of each input channel of each product.

    Args:
        encoder: in float32.
        calibration: what it reads.
    Returns: (channels,) float32 by the product's name.
    """
    ids, type_ids, lengths = calibration.ids, calibration.type_ids, calibration.lengths

    def observed(indices: NDArray[np.intp]) -> dict[str, Floats]:
        return encoder.observe(*gather(ids, type_ids, lengths, indices))

    peaks: dict[str, Floats] = {}
    # The core observes on one thread; a maximum is the same in any order.
    with ThreadPoolExecutor(encoder.threads) as threads:
        for part in threads.map(observed, plan(lengths, _OBSERVED_TOKENS)):
            for name, values in part.items():
                peaks[name] = np.maximum(peaks.get(name, values), values)
    return peaks


def products(config: EncoderConfig) -> Iterator[Product]:
    """List the encoder's products, first to last."""
    hidden, inner = config.hidden_size, config.intermediate_size
    # A gate reads what the layer that it gates reads, so that the two are one product.
    up = ("intermediate.gate", "intermediate.dense") if config.gated else ("intermediate.dense",)
    parts = (
        ("attention.self", tuple(f"attention.self.{name}" for name in _HEADS), hidden),
        ("attention.output.dense", ("attention.output.dense",), config.query_width),
        ("intermediate.dense", up, hidden),
        ("output.dense", ("output.dense",), inner),
    )
    for layer in sorted(set(config.layer_weights)):
        start = f"encoder.layer.{layer}."
        for name, modules, inputs in parts:
            yield Product(
                start + name, tuple(f"{start}{module}.weight" for module in modules), inputs
            )


def _weight_peaks(product: Product, tensors: Mapping[str, Tensor]) -> Floats:
    """Find the largest magnitude among the weights that read each input channel."""
    arrays = [tensors[name].float32() for name in product.weights]
    peaks = [np.maximum(array.max(axis=0), -array.min(axis=0)) for array in arrays]
    result: Floats = np.max(peaks, axis=0)
    return result


def _key(config: EncoderConfig, calibration: Calibration, tensors_hash: str) -> str:
    """Name what the divisors come from, in hexadecimal."""
    sizes = {name: getattr(config, name) for name in sorted(config.origins)}
    form = ACTIVATIONS[config.hidden_act]
    # Instruction sets differ in last bits, and vectors mustn't depend on which of them came first.
    parts = [RECIPE, tensors_hash, {**sizes, "hidden_act": form}, selected_isa()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for array in (calibration.lengths, calibration.ids, calibration.type_ids):
        digest.update(array.astype("<i4").tobytes())
    return digest.hexdigest()


def _read(path: Path, size: int) -> Floats | None:
    """Recall divisors; None where there are none, or not whole, or not as many."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body = data[_DIGEST:]
    if len(body) != 4 * size or hashlib.sha256(body).digest() != data[:_DIGEST]:
        return None
    return np.frombuffer(body, "<f4").astype(np.float32, copy=False)


def _write(path: Path, flat: Floats) -> None:
    """Keep divisors, whole or not at all."""
    body = flat.astype("<f4").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".", dir=path.parent, delete=False) as file:
        file.write(hashlib.sha256(body).digest() + body)
    Path(file.name).replace(path)
