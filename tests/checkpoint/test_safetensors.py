"""The safetensors reader against the safetensors package, and against damaged files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError

from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.tensor import DTYPE_BITS
from bertie.errors import CheckpointError

TINY = Path(__file__).parents[1] / "data/tiny-bert/model.safetensors"


def write(path: Path, header: Any, data: bytes = b"") -> Path:
    """Write a file with any header, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(begin: int, end: int, dtype: Any = "U8", shape: Any = None) -> dict[str, Any]:
    """Describe one tensor; a vector of bytes unless told otherwise."""
    return {"dtype": dtype, "shape": shape or [end - begin], "data_offsets": [begin, end]}


def test_a_real_file_reads_as_the_safetensors_package_reads_it() -> None:
    expected = safetensors.numpy.load_file(TINY)
    tensors = read_safetensors(TINY)
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert np.array_equal(tensor.float32(), expected[name])
        assert not tensor.float32().flags.writeable


def test_data_that_is_not_aligned_is_copied_into_alignment(tmp_path: Path) -> None:
    values = np.arange(3, dtype=np.float32)
    header = {"odd": entry(0, 1), "floats": entry(1, 13, "F32", [3])}
    path = write(tmp_path / "model.safetensors", header, b"x" + values.tobytes())
    read = read_safetensors(path)["floats"].float32()
    assert read.flags.aligned
    assert read.tolist() == [0, 1, 2]


def test_an_empty_file_of_tensors_and_an_empty_tensor_are_fine(tmp_path: Path) -> None:
    assert read_safetensors(write(tmp_path / "a.safetensors", {})) == {}
    header = {"nothing": entry(0, 0, "F32", [0, 7])}
    tensors = read_safetensors(write(tmp_path / "b.safetensors", header))
    assert tensors["nothing"].float32().shape == (0, 7)


def test_a_type_that_nobody_knows_is_refused_only_when_used(tmp_path: Path) -> None:
    header = {"a": entry(0, 4, "F32", [1]), "b": entry(4, 6, "F1_FUTURE", [16])}
    tensors = read_safetensors(write(tmp_path / "model.safetensors", header, bytes(6)))
    assert tensors["a"].float32().tolist() == [0]
    with pytest.raises(CheckpointError, match="tensor b is F1_FUTURE, expected one of F32, F16"):
        tensors["b"].float32()


@pytest.mark.parametrize(
    ("header", "size", "message"),
    [
        (b"not json", 0, "the header is not JSON"),
        (b"\xff\xfe{}", 0, "the header is not JSON"),
        (b"[" * 100_000, 0, "the header is not JSON"),
        (b'{"a": NaN}', 0, "the header is not JSON: NaN"),
        (b"[]", 0, r"the header is \[\], expected a JSON object"),
        (b'{"a": 1, "a": 2}', 0, "the header has 'a' twice"),
        (b'{"a": {"dtype": "U8", "dtype": "U8"}}', 0, "the header has 'dtype' twice"),
        ({"__metadata__": {"a": 1}}, 0, "__metadata__ is {'a': 1}, expected texts by name"),
        ({"__metadata__": 3}, 0, "__metadata__ is 3, expected texts by name"),
        ({"a": 3}, 0, "tensor a is 3, expected a JSON object"),
        ({"a": entry(0, 1, dtype=8)}, 1, "dtype is 8, expected a name such as F32"),
        ({"a": entry(0, 1, shape=["1"])}, 1, r"shape is \['1'\], expected whole numbers"),
        ({"a": entry(0, 1, shape=[True])}, 1, r"shape is \[True\], expected whole numbers"),
        ({"a": entry(0, 1, shape=[-1])}, 1, r"shape is \[-1\], expected whole numbers"),
        ({"a": entry(0, 1, shape=[2**62, 4])}, 1, "shape .* overflows"),
        ({"a": entry(0, 0, shape=[2**62, 4, 0])}, 0, "shape .* overflows"),
        ({"a": entry(0, 4, "F32", [2])}, 4, r"F32 of shape \(2,\) takes 64 bits, .* span 32"),
        ({"a": entry(0, 1, "F4", [1])}, 1, r"F4 of shape \(1,\) takes 4 bits, .* span 8"),
        ({"a": entry(0, 5)}, 4, r"data_offsets is \[0, 5\], .* within the 4 bytes of data"),
        ({"a": entry(2, 1, shape=[1])}, 4, r"data_offsets is \[2, 1\]"),
        ({"a": {**entry(0, 1), "data_offsets": [0]}}, 1, r"data_offsets is \[0\]"),
        ({"a": {**entry(0, 1), "data_offsets": [-1, 0]}}, 1, r"data_offsets is \[-1, 0\]"),
        ({"a": {"dtype": "U8", "shape": []}}, 1, "data_offsets is None"),
        ({"a": entry(0, 3), "b": entry(2, 4)}, 4, "b starts at byte 2 and overlaps a, .* at 3"),
        ({"a": entry(0, 1), "b": entry(2, 4)}, 4, "b starts at byte 2 and leaves a gap after a"),
        ({"a": entry(1, 4)}, 4, "a starts at byte 1 and leaves a gap after the header"),
        ({"a": entry(0, 3)}, 4, "the tensors end at byte 3 of the data, but it has 4"),
    ],
)
def test_a_broken_header_is_refused(tmp_path: Path, header: Any, size: int, message: str) -> None:
    path = write(tmp_path / "model.safetensors", header, bytes(size))
    with pytest.raises(CheckpointError, match=rf"^model.safetensors: .*{message}"):
        read_safetensors(path)
    with pytest.raises(SafetensorError):
        safetensors.numpy.load_file(path)


@pytest.mark.parametrize("shape", [[0, 2**62], [1] * 33])
def test_a_shape_that_no_array_can_have_is_refused(tmp_path: Path, shape: list[int]) -> None:
    header = {"a": entry(0, 1 if all(shape) else 0, shape=shape)}
    path = write(tmp_path / "model.safetensors", header, b"x" if all(shape) else b"")
    with pytest.raises(CheckpointError, match=r"shape .* overflows"):
        read_safetensors(path)


def test_a_name_that_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.safetensors", {"a\ud800": entry(0, 1)}, b"x")
    with pytest.raises(CheckpointError, match=r"a\\ud800': the name has characters"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, too few for safetensors"),
        (b"1234567", "has 7 bytes, too few for safetensors"),
        (b"\xff" * 8, "claims 18446744073709551615 bytes, but the file has 0 after"),
        ((10**9).to_bytes(8, "little") + b"{}", "claims 1000000000 bytes, but the file has 2"),
    ],
)
def test_a_length_past_the_end_is_refused_before_anything_is_allocated(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_safetensors(path)


def test_a_file_that_is_not_there_is_a_checkpoint_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"x.safetensors can't be read: No such file"):
        read_safetensors(tmp_path / "x.safetensors")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for files that a property test overwrites again and again."""
    return tmp_path_factory.mktemp("damaged") / "model.safetensors"


def agree(path: Path) -> None:
    """Check that we refuse what the safetensors package refuses, and else read the same."""
    try:
        ours = read_safetensors(path)
    except CheckpointError:
        return
    if any(tensor.dtype not in DTYPE_BITS for tensor in ours.values()):
        return
    theirs = dict(safetensors.deserialize(path.read_bytes()))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.dtype == theirs[name]["dtype"]
        assert list(tensor.shape) == theirs[name]["shape"]
        assert tensor.data.tobytes() == bytes(theirs[name]["data"])


@given(length=st.integers(0, TINY.stat().st_size - 1))
def test_a_truncated_file_is_refused_wherever_it_ends(damaged: Path, length: int) -> None:
    damaged.write_bytes(TINY.read_bytes()[:length])
    with pytest.raises(CheckpointError):
        read_safetensors(damaged)


SMALL = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(5, dtype=np.int64)}


@given(
    place=st.integers(0, 200),
    byte=st.integers(0, 255),
    more=st.binary(max_size=4),
    cut=st.booleans(),
)
def test_damaged_bytes_are_refused_or_read_as_the_package_reads_them(
    damaged: Path, place: int, byte: int, more: bytes, cut: bool
) -> None:
    content = bytearray(safetensors.numpy.save(SMALL))
    content[place % len(content)] = byte
    content += more
    damaged.write_bytes(content[:place] if cut else content)
    agree(damaged)


sizes = st.integers(-1, 50) | st.integers(2**31, 2**64)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BF16", "F64", "F4", "BOOL"]),
        "shape": st.lists(st.integers(0, 4) | sizes, max_size=3),
        "data_offsets": st.lists(st.sampled_from([0, 4, 8, 16]) | sizes, min_size=1, max_size=3),
    }
)


@given(header=st.dictionaries(st.sampled_from("abc"), entries), size=st.sampled_from([0, 4, 8, 16]))
def test_any_header_is_refused_or_read_as_the_package_reads_it(
    damaged: Path, header: dict[str, Any], size: int
) -> None:
    agree(write(damaged, header, bytes(range(size))))
