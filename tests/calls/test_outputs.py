"""Vectors in fewer bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bertie.calls.outputs import converter
from bertie.errors import InputError

VECTORS = arrays.arrays(np.float32, (3, 8), elements=st.floats(-2, 2, width=32))
RANGES = np.array([[-1.0] * 8, [1.0] * 8])


@given(VECTORS)
def test_bytes_are_steps_within_the_range(vectors: np.ndarray) -> None:
    unsigned = converter("uint8", RANGES, 8)(vectors)
    signed = converter("int8", RANGES, 8)(vectors)
    assert (unsigned.dtype, signed.dtype) == (np.uint8, np.int8)
    back = unsigned * (2 / 255) - 1
    assert np.abs(back - np.clip(vectors, -1, 1)).max() <= 2 / 255 + 1e-6
    assert np.abs(unsigned.astype(int) - 128 - signed).max() <= 1
    assert (unsigned[vectors >= 1] == 255).all()
    assert (signed[vectors <= -1] == -128).all()


@given(VECTORS)
def test_bits_say_what_is_above_zero(vectors: np.ndarray) -> None:
    unsigned = converter("ubinary", None, 8)(vectors)
    assert (unsigned.shape, unsigned.dtype) == ((3, 1), np.uint8)
    assert np.unpackbits(unsigned, axis=1).astype(bool).tolist() == (vectors > 0).tolist()
    signed = converter("binary", None, 8)(vectors)
    assert signed.dtype == np.int8
    assert (signed.astype(int) + 128 == unsigned).all()


def test_floats_are_rounded_or_left_alone() -> None:
    vectors = np.array([[0.1, 1e9]], np.float32)
    assert converter("float32", None, 2)(vectors) is vectors
    assert converter("float16", None, 2)(vectors).tolist() == [[np.float16(0.1), np.inf]]


@pytest.mark.parametrize(
    ("output", "ranges", "dimensions", "message"),
    [
        ("int4", None, 8, "output is 'int4', expected one of float32, float16, int8"),
        ("int8", None, 8, r"needs the range of each dimension: find them once by ranges\(\)"),
        ("uint8", RANGES, 7, r"ranges has the shape \(2, 8\), expected \(2, 7\)"),
        ("int8", RANGES[::-1], 8, "expected"),
        ("binary", None, 12, "12 dimensions don't fill whole bytes: expected a multiple of 8"),
    ],
)
def test_what_cannot_be_given_out_is_refused(
    output: str, ranges: object, dimensions: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        converter(output, ranges, dimensions)
