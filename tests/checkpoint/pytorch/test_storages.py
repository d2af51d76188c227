"""Views of a storage stay within it."""

import mmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.pytorch.storages import ElementType, Storage, StoredTensor, map_tensor
from bertie.errors import CheckpointError

F32, U16 = ElementType("F32", 4), ElementType("U16", 2)
VALUES = np.arange(24, dtype=np.float32)
BEGIN = 5


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> mmap.mmap:
    """A mapped file that has a storage of 24 numbers, not aligned."""
    path = tmp_path_factory.mktemp("storage") / "file"
    path.write_bytes(bytes(BEGIN) + VALUES.tobytes())
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def stored(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: ElementType = F32
) -> StoredTensor:
    """Describe a view of the whole storage."""
    return StoredTensor(Storage("0", F32, 24, 0, 24), kind, offset, shape, strides)


def run_together(axes: list[tuple[int, int]]) -> bool:
    """Tell whether an axis steps over less than all that those of smaller strides cover."""
    longer = sorted((stride, length) for length, stride in axes if length > 1)
    covered = [1 + sum(s * (n - 1) for s, n in longer[:axis]) for axis in range(len(longer))]
    return any(stride < least for (stride, _), least in zip(longer, covered, strict=True))


@given(
    offset=st.integers(0, 30),
    axes=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=3),
)
def test_a_view_is_what_numpy_sees_or_refused_where_it_reaches_out(
    mapping: mmap.mmap, offset: int, axes: list[tuple[int, int]]
) -> None:
    shape, strides = tuple(n for n, _ in axes), tuple(s for _, s in axes)
    view = stored(offset, shape, strides)
    places = (
        offset
        + sum(np.indices(shape)[axis] * strides[axis] for axis in range(len(shape)))
        + np.zeros(shape, int)
    )
    if places.size and (places.max() >= 24 or run_together(axes)):
        with pytest.raises(CheckpointError, match=r"file: tensor x of shape .* its storage"):
            map_tensor("x", view, "file", mapping, BEGIN)
        return
    read = map_tensor("x", view, "file", mapping, BEGIN)
    assert read.shape == shape
    assert np.array_equal(read.float32(), VALUES[places])
    assert (read.strides is None) == (
        places.ravel().tolist() == list(range(offset, offset + places.size))
    )


def test_a_part_of_a_storage_ends_where_it_ends(mapping: mmap.mmap) -> None:
    part = Storage("0", F32, 24, 10, 4)
    read = map_tensor("x", StoredTensor(part, F32, 1, (3,), (1,)), "file", mapping, BEGIN)
    assert read.float32().tolist() == [11, 12, 13]
    with pytest.raises(CheckpointError, match="doesn't fit its storage of 4 elements"):
        map_tensor("x", StoredTensor(part, F32, 2, (3,), (1,)), "file", mapping, BEGIN)


def test_a_view_of_another_type_counts_in_its_own_elements(mapping: mmap.mmap) -> None:
    read = map_tensor("x", stored(46, (2,), (1,), U16), "file", mapping, BEGIN)
    assert read.data.tobytes() == VALUES[23:].tobytes()
    with pytest.raises(CheckpointError, match="from element 47 on doesn't fit"):
        map_tensor("x", stored(47, (2,), (1,), U16), "file", mapping, BEGIN)


@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((2**30, 2**29), (0, 0)),
        ((2**59,), (0,)),
        ((2,), (0,)),
        ((3, 2), (1, 2)),
        ((2, 2), (2**62, 2**62)),
    ],
)
def test_a_view_whose_axes_run_into_each_other_is_refused(
    mapping: mmap.mmap, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    with pytest.raises(
        CheckpointError, match="has axes that run into each other in its storage of 24"
    ):
        map_tensor("x", stored(0, shape, strides), "file", mapping, BEGIN)


def test_axes_of_no_length_and_of_length_1_may_have_any_stride(mapping: mmap.mmap) -> None:
    nothing = map_tensor("x", stored(99, (2**57, 0, 4), (1, 1, 2**62)), "file", mapping, BEGIN)
    assert nothing.float32().shape == (2**57, 0, 4)
    one = map_tensor("x", stored(2, (1, 3, 1), (2**62, 2, 2**62)), "file", mapping, BEGIN)
    assert one.float32().tolist() == [[[2], [4], [6]]]
