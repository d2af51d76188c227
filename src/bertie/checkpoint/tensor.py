"""One tensor of a weights file, mapped and not yet converted."""

import math
import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from bertie.errors import CheckpointError
from bertie.system import advice

# Bits of one element, by safetensors' word for the type. A file may use other words on tensors
# that nobody asks for.
DTYPE_BITS: Mapping[str, int] = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "I64": 64,
    "U64": 64,
    "F64": 64,
    "C64": 64,
}


def _widen_bfloat16(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Put bfloat16's bits into the upper halves of float32s, which is exact."""
    return (data.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _narrow_float64(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Round to float32; what doesn't fit becomes infinite."""
    with np.errstate(over="ignore"):
        return data.view("<f8").astype(np.float32)


def _float8_values(exponent_bits: int, bias: int, special: Mapping[int, float]) -> NDArray[Any]:
    """List what each of the 256 bytes of an 8-bit float means: sign, exponent, fraction."""
    codes = np.arange(256)
    fraction_bits = 7 - exponent_bits
    exponents = codes >> fraction_bits & (1 << exponent_bits) - 1
    fractions = (codes & (1 << fraction_bits) - 1) / (1 << fraction_bits)
    # Without exponent the leading one is missing.
    values: NDArray[Any] = np.ldexp(fractions + (exponents > 0), np.maximum(exponents, 1) - bias)
    values[128:] = -values[128:]
    for code, value in special.items():
        values[code] = value
    return values.astype(np.float32)


# E4M3 and E5M2: FP8 Formats for Deep Learning, arXiv:2209.05433, table 1; E4M3 has no infinity.
# FNUZ: 8-bit Numerical Formats for Deep Neural Networks, arXiv:2206.02915: one NaN in the place of
# the negative zero, no infinity, and a bias higher by one.
_E4M3 = _float8_values(4, 7, {0x7F: np.nan, 0xFF: np.nan})
_E4M3FNUZ = _float8_values(4, 8, {0x80: np.nan})
_E5M2FNUZ = _float8_values(5, 16, {0x80: np.nan})


def _widen_e5m2(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Put the bits into the upper halves of float16s, which is exact."""
    return (data.astype("<u2") << 8).view("<f2").astype(np.float32)


_TO_FLOAT32: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[Any]]] = {
    "F32": lambda data: data.view("<f4"),
    "F16": lambda data: data.view("<f2").astype(np.float32),
    "BF16": _widen_bfloat16,
    "F64": _narrow_float64,
    "F8_E4M3": lambda data: _E4M3[data],
    "F8_E4M3FNUZ": lambda data: _E4M3FNUZ[data],
    "F8_E5M2": _widen_e5m2,
    "F8_E5M2FNUZ": lambda data: _E5M2FNUZ[data],
}

FLOAT_DTYPES = tuple(_TO_FLOAT32)


# NumPy's limits: axes before its second version, elements of 16 bytes. They hold for arrays of no
# elements, too, as if axes of length 0 had length 1.
_MOST_AXES = 32
_MOST_ELEMENTS = 2**59


def can_be(shape: Sequence[int]) -> bool:
    """Tell whether there can be an array of a shape."""
    elements = 1
    for length in shape:
        elements *= max(length, 1)
        if elements > _MOST_ELEMENTS:
            return False
    return len(shape) <= _MOST_AXES


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a file.

    Attributes:
        name: as the file calls it.
        dtype: safetensors' word for the type, such as "F32" or "BF16".
        shape: the length of each axis.
        data: (bytes,) uint8, a read-only view into the mapped file.
        file: the file's name, for messages.
        mapping: the mapped file, if data is part of one.
        offset: bytes of the mapping before data.
        strides: elements from one index to the next of each axis, where the elements don't lie one
            after another; data then begins with the first element and ends with the last.
        axes: the lengths of the axes that strides are of, where they aren't shape's: elements in
            their order are then given that shape.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: NDArray[np.uint8]
    file: str = ""
    mapping: mmap.mmap | None = None
    offset: int = 0
    strides: tuple[int, ...] | None = None
    axes: tuple[int, ...] | None = None

    def rows(self, name: str, shares: int, number: int, blocks: int = 1) -> "Tensor":
        """Take a share of the rows.

        Args:
            name: what to call it.
            shares: how many there are of each block's rows.
            number: which one, from 0.
            blocks: of rows, each of which is shared out by itself; shares x blocks divides them.
        Returns: (rows // shares, …); a part of the same file, of which nothing is copied.
        """
        rows, *rest = self.shape
        count = rows // blocks // shares
        # From one index to the next of each axis, in elements.
        own = self.strides or tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        size = DTYPE_BITS[self.dtype] // 8
        axes, strides = (blocks, count, *rest), (rows // blocks * own[0], *own)
        steps = zip(axes, strides, strict=True)
        elements = 1 + sum((length - 1) * stride for length, stride in steps)
        begin = number * count * own[0] * size
        part = replace(
            self,
            name=name,
            shape=(blocks * count, *rest),
            data=self.data[begin : begin + (elements if 0 not in axes else 0) * size],
            offset=self.offset + begin,
        )
        if blocks > 1:
            return replace(part, strides=strides, axes=axes)
        return part

    def forget(self) -> None:
        """Give the memory of a mapped tensor back; whoever reads it again gets it again."""
        self._advise(advice.forget)

    def fetch(self) -> None:
        """Map all of a mapped tensor at once, in a tenth of the time of page after page.

        Its memory then stays what it is, whichever parts are read.
        """
        self._advise(advice.fetch)

    def _advise(self, tell: Callable[[mmap.mmap, int, int], None]) -> None:
        """Tell the system about the pages that no other tensor shares."""
        start = -(-self.offset // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (self.offset + self.data.size) // mmap.PAGESIZE * mmap.PAGESIZE
        if self.mapping is not None and end > start:
            tell(self.mapping, start, end - start)

    def float32(self) -> NDArray[np.float32]:
        """Give the values as aligned float32: a view of the file where that's possible.

        Raises: CheckpointError: the type isn't one of FLOAT_DTYPES.
        """
        convert = _TO_FLOAT32.get(self.dtype)
        if convert is None:
            raise CheckpointError(
                f"{self.file}: tensor {self.name} is {self.dtype},"
                f" expected one of {', '.join(FLOAT_DTYPES)}"
            )
        values = convert(self.data)
        if self.strides is not None:
            steps = tuple(stride * values.itemsize for stride in self.strides)
            values = as_strided(values, self.axes or self.shape, steps, writeable=False)
        return np.require(values, np.float32, ["A", "C"]).reshape(self.shape)
