"""A checkpoint's tensors as a bundle stores them for a precision."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.bundle import SCALE, SMOOTHING
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.engine.encoder import Recipe, quantize_weight
from bertie.engine.quantize import products
from bertie.export.safetensors import Part
from bertie.loading.fingerprint import hash_tensor
from bertie.opened import Opened

# What a bundle of a lower precision keeps of what isn't multiplied; other types become float32.
_KEPT = ("F32", "F16", "BF16")


def kept_tensors(opened: Opened) -> dict[str, Tensor]:
    """Choose the tensors of a bundle: all numbers that training made, each of them once.

    Returns: by canonical name; tied tensors are left out as in their source, and so are integers
        (position ids, step counters) and what the source has twice.
    """
    checkpoint = opened.checkpoint
    left_out = {*checkpoint.tied, *checkpoint.ambiguous}
    stored = () if opened.bundle is None else ("I8",)
    return {
        name: tensor
        for name, tensor in checkpoint.tensors.items()
        if name not in left_out and tensor.dtype in (*FLOAT_DTYPES, *stored)
    }


def tensor_hashes(opened: Opened) -> dict[str, str]:
    """Hash each tensor's float32 values, which fingerprints are made of."""
    if opened.bundle is not None:
        return dict(opened.bundle.hashes)
    found = {}
    for name, tensor in kept_tensors(opened).items():
        found[name] = hash_tensor(name, tensor.float32())
        tensor.forget()
    return found


def stored_parts(opened: Opened, recipe: Recipe) -> list[Part]:
    """Say how each tensor is stored.

    In bfloat16 and int8 only the weights of the matrix products change, by the core's own rounding,
    so that a bundle computes what its checkpoint does to the last bit.

    Args:
        opened: the source.
        recipe: how the bundle will compute.
    """
    tensors = kept_tensors(opened)
    if opened.bundle is not None and opened.bundle.precision != "float32":
        return [_unchanged(name, tensor) for name, tensor in tensors.items()]
    if recipe.precision == "float32":
        return [_float32(name, tensor) for name, tensor in tensors.items()]
    by_product = {product.name: product.weights for product in products(opened.config)}
    weights = {name for names in by_product.values() for name in names}
    parts = [
        _unchanged(name, tensor) if tensor.dtype in _KEPT else _float32(name, tensor)
        for name, tensor in tensors.items()
        if name not in weights
    ]
    if recipe.precision == "bfloat16":
        return parts + [_bfloat16(name, tensors[name]) for name in sorted(weights)]
    for product, names in by_product.items():
        divisors = recipe.smoothing[product]
        smoothing = partial(np.ascontiguousarray, divisors, "<f4")
        parts.append(Part(product + SMOOTHING, "F32", divisors.shape, smoothing))
        for name in names:
            parts += _int8(name, tensors[name], divisors)
    return parts


def _float32(name: str, tensor: Tensor) -> Part:
    """Store float32."""
    return Part(name, "F32", tensor.shape, partial(_read_and_forget, tensor))


def _read_and_forget(tensor: Tensor) -> NDArray[Any]:
    """Read a tensor, and let its pages of the file go once they are written."""
    values = tensor.float32().astype("<f4", copy=False)
    tensor.forget()
    return values


def _unchanged(name: str, tensor: Tensor) -> Part:
    """Store the bytes of the source, if they lie one after another."""
    if tensor.strides is not None:
        return _float32(name, tensor)
    return Part(name, tensor.dtype, tensor.shape, lambda: tensor.data)


def _bfloat16(name: str, tensor: Tensor) -> Part:
    """Store bfloat16."""
    if tensor.dtype == "BF16":
        return _unchanged(name, tensor)
    return Part(name, "BF16", tensor.shape, lambda: to_bfloat16(tensor.float32()))


def _int8(name: str, tensor: Tensor, divisors: NDArray[np.float32]) -> list[Part]:
    """Store bytes and, beside them, what a byte of 1 stands for in each row."""

    def rounded() -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        return quantize_weight(tensor.float32(), divisors)

    # Made twice, for either part: what they are kept for would be most of the model otherwise.
    return [
        Part(name, "I8", tensor.shape, lambda: rounded()[0]),
        Part(name + SCALE, "F32", tensor.shape[:1], lambda: rounded()[1].astype("<f4", copy=False)),
    ]


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round finite float32 to bfloat16's bits, to nearest, ties to even, as the core does."""
    bits = values.view(np.uint32)
    rounded: NDArray[np.uint16] = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")
    return rounded
