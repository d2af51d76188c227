"""Conversion of every float type to float32."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError

SMAPS = Path("/proc/self/smaps")


def tensor(dtype: str, values: np.ndarray) -> Tensor:
    """Wrap an array as a tensor of a file."""
    return Tensor("x", dtype, values.shape, np.frombuffer(values.tobytes(), np.uint8), "f")


@pytest.mark.parametrize(("dtype", "kind"), [("F32", np.float32), ("F16", np.float16)])
def test_floats_are_converted_exactly(dtype: str, kind: type) -> None:
    values = np.array([[0.5, -0.0, 6e-5], [np.inf, 1000.25, -3]], kind)
    read = tensor(dtype, values).float32()
    assert read.dtype == np.float32
    assert read.tobytes() == values.astype(np.float32).tobytes()


def test_float64_is_rounded_and_may_become_infinite() -> None:
    read = tensor("F64", np.array([0.1, 1e300, -1e-300])).float32()
    assert read.tolist() == [np.float32(0.1), np.inf, 0]


@given(arrays.arrays(np.uint16, st.integers(0, 9)))
def test_bfloat16_is_the_upper_half_of_float32(halves: np.ndarray) -> None:
    read = tensor("BF16", halves).float32()
    assert (read.view(np.uint32) >> 16).tolist() == halves.tolist()
    assert not (read.view(np.uint32) & 0xFFFF).any()


@pytest.mark.parametrize(("dtype", "kind"), [("F32", np.float32), ("F16", np.float16)])
def test_strides_pick_elements_that_do_not_lie_one_after_another(dtype: str, kind: type) -> None:
    stored = np.arange(12, dtype=kind).reshape(3, 4)
    span = np.frombuffer(stored.tobytes(), np.uint8)
    read = Tensor("x", dtype, (4, 3), span, "f", strides=(1, 4)).float32()
    assert read.tolist() == stored.T.tolist()
    assert read.flags.c_contiguous


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("shape", [(12, 5), (12,), (12, 2, 3)])
def test_shares_of_rows_are_views_of_the_file_however_it_lies(
    shape: tuple[int, ...], blocks: int, by_columns: bool
) -> None:
    values = np.arange(np.prod(shape), dtype=np.float16).reshape(shape)
    whole = tensor("F16", values)
    if by_columns:
        axes = tuple(reversed(range(values.ndim)))
        turned = np.ascontiguousarray(values.transpose(axes))
        steps = tuple(step // 2 for step in turned.transpose(axes).strides)
        whole = Tensor("x", "F16", shape, tensor("F16", turned).data, "f", strides=steps)
    for number in range(3):
        part = whole.rows("part", 3, number, blocks)
        wanted = values.reshape(blocks, 3, 4 // blocks, *shape[1:])[:, number]
        assert part.shape == (4, *shape[1:])
        assert part.float32().tolist() == wanted.reshape(part.shape).tolist()
        assert np.shares_memory(part.data, whole.data)
        assert part.offset == part.data.ctypes.data - whole.data.ctypes.data


def test_every_8_bit_float_has_its_exact_value() -> None:
    finite = 2**-9 * np.arange(8)
    codes = np.arange(256, dtype=np.uint8)
    small = tensor("F8_E4M3", codes).float32()
    assert small[:8].tolist() == finite.tolist()
    assert (small[8], small[0x3C], small[0x7E], small[0xFE]) == (2**-6, 1.5, 448, -448)
    assert np.flatnonzero(np.isnan(small)).tolist() == [0x7F, 0xFF]
    assert np.signbit(small[0x80])
    unsigned = tensor("F8_E4M3FNUZ", codes).float32()
    assert unsigned[:8].tolist() == (finite / 2).tolist()
    assert (unsigned[8], unsigned[0x44], unsigned[0x7F], unsigned[0xFF]) == (2**-7, 1.5, 240, -240)
    assert np.flatnonzero(np.isnan(unsigned)).tolist() == [0x80]
    halves = codes.astype(np.uint16) << 8
    expected = halves.view(np.float16).astype(np.float32)
    wide = tensor("F8_E5M2", codes).float32()
    assert np.array_equal(wide, expected, equal_nan=True)
    assert (wide[0x3D], wide[0x7B], wide[0x7C]) == (1.25, 57344, np.inf)
    one_bias_up = tensor("F8_E5M2FNUZ", codes).float32()
    assert np.array_equal(one_bias_up[:0x7C], expected[:0x7C] / 2)
    assert (one_bias_up[0x7F], one_bias_up[0xFF]) == (57344, -57344)
    assert np.flatnonzero(np.isnan(one_bias_up)).tolist() == [0x80]


@pytest.mark.parametrize("dtype", ["F8_E8M0", "F4", "I8", "U8"])
def test_other_8_bits_are_no_weights(dtype: str) -> None:
    with pytest.raises(CheckpointError, match=rf"is {dtype}, expected one of F32, .*F8_E4M3, "):
        tensor(dtype, np.arange(4, dtype=np.uint8)).float32()


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.bool_, np.int8, np.uint16])
def test_integers_are_mapped_but_are_not_floats(tmp_path: Path, kind: type) -> None:
    values = np.array([0, 1, 1], kind)
    safetensors.numpy.save_file({"x": values}, tmp_path / "m.safetensors")
    read = read_safetensors(tmp_path / "m.safetensors")["x"]
    assert read.data.tobytes() == values.tobytes()
    with pytest.raises(CheckpointError, match=f"m.safetensors: tensor x is {read.dtype}, expected"):
        read.float32()


def test_a_mapped_tensor_that_was_forgotten_reads_the_same(tmp_path):
    values = {name: np.arange(9000, dtype=np.float32) + i for i, name in enumerate("abc")}
    safetensors.numpy.save_file(values, tmp_path / "x.safetensors")
    read = read_safetensors(tmp_path / "x.safetensors")
    for _ in range(2):
        for name, tensor in read.items():
            assert np.array_equal(tensor.float32(), values[name])
            tensor.forget()
    Tensor("x", "F32", (0,), np.zeros(0, np.uint8)).forget()


@pytest.mark.skipif(not SMAPS.exists(), reason="only Linux says what of a mapping is in memory")
def test_a_tensor_that_is_fetched_is_in_memory_as_a_whole_until_it_is_forgotten(
    tmp_path: Path,
) -> None:
    values = np.zeros((4096, 512), np.float32)
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"x": values}, path)
    tensor = read_safetensors(path)["x"]
    assert resident(path) < values.nbytes / 4
    tensor.fetch()
    if resident(path) < values.nbytes / 4:
        pytest.skip("this kernel has no MADV_POPULATE_READ")
    assert resident(path) > values.nbytes * 0.99
    tensor.forget()
    assert resident(path) < values.nbytes / 4
    Tensor("x", "F32", (0,), np.zeros(0, np.uint8)).fetch()


def resident(path: Path) -> int:
    """Count the bytes of a mapped file that this process has in memory."""
    lines = iter(SMAPS.read_text(encoding="utf-8").splitlines())
    return sum(
        1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])
        for line in lines
        if line.endswith(str(path))
    )
