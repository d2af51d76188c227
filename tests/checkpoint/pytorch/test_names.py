"""What a pickle may name rebuilds descriptions of tensors, and checks every argument."""

from typing import Any

import pytest

from bertie.checkpoint.pytorch.names import NAMES, read_storage
from bertie.checkpoint.pytorch.pickles import read_pickle
from bertie.checkpoint.pytorch.storages import ElementType, Storage, StoredTensor
from bertie.errors import CheckpointError
from tests.torch_files import called, many, named, number, numbers, pickled, storage, tensor, text

F32 = ElementType("F32", 4)


def read(pushed: bytes) -> Any:
    """Read a pickle of what torch saves."""
    return read_pickle(memoryview(pickled(pushed)), "file", NAMES, read_storage)[0]


def rebuilt(name: str, *arguments: bytes) -> bytes:
    """Call one of torch's functions."""
    return called(named("torch._utils", name), *arguments)


@pytest.mark.parametrize("more", [b"", b"N"])
def test_a_tensor_is_rebuilt_as_a_description(more: bytes) -> None:
    held = storage("0", 24, "FloatStorage", more) if more else storage("0", 24)
    described = read(tensor(held, 3, (2, 4), (8, 1)))
    assert described == StoredTensor(Storage("0", F32, 24, 0, 24), F32, 3, (2, 4), (8, 1))


def test_a_part_of_a_storage_is_a_storage() -> None:
    part = many(text("view"), number(4), number(8))
    described = read(tensor(storage("0", 24, "HalfStorage", part), 0, (8,), (1,)))
    assert described.storage == Storage("0", ElementType("F16", 2), 24, 4, 8)


def test_a_tensor_may_have_another_type_than_its_storage() -> None:
    held = storage("0", 8, "UntypedStorage")
    plain = (held, number(0), numbers([4]), numbers([1]), b"\x89", b"N")
    described = read(rebuilt("_rebuild_tensor_v3", *plain, named("torch", "float16")))
    assert described.type == ElementType("F16", 2)
    assert described.storage.type == ElementType("U8", 1)


def test_a_parameter_is_its_tensor() -> None:
    inner = tensor(storage("0", 4), 0, (4,), (1,))
    assert read(rebuilt("_rebuild_parameter", inner, b"\x88", b"N")) == read(inner)
    with pytest.raises(CheckpointError, match="_rebuild_parameter: the arguments are not those"):
        read(rebuilt("_rebuild_parameter", b"N"))


def test_sizes_are_tuples_and_devices_nothing() -> None:
    assert read(called(named("torch", "Size"), numbers([2, 3]))) == (2, 3)
    assert read(called(named("torch", "device"), text("cuda"))) is None
    for pushed in (
        called(named("torch", "Size")),
        called(named("collections", "OrderedDict"), b"]"),
    ):
        with pytest.raises(CheckpointError, match="the arguments are not those that torch gives"):
            read(pushed)


@pytest.mark.parametrize(
    "identifier",
    [
        text("storage"),
        many(),
        many(text("module"), named("torch", "FloatStorage"), text("0"), text("cpu"), number(1)),
        many(text("storage"), text("FloatStorage"), text("0"), text("cpu"), number(1)),
        many(text("storage"), named("torch", "FloatStorage"), number(0), text("cpu"), number(1)),
        many(text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu"), text("1")),
    ],
)
def test_what_is_outside_and_no_storage_is_refused(identifier: bytes) -> None:
    with pytest.raises(CheckpointError, match="refers to something outside itself that is no stor"):
        read(identifier + b"Q")


@pytest.mark.parametrize(
    ("count", "part"),
    [(-1, "N"), (9, (4, 6)), (9, (-1, 6)), (9, (1,)), (2**70, "N"), (9, (1, 2, 3))],
)
def test_a_storage_of_a_length_that_cannot_be_is_refused(count: int, part: Any) -> None:
    more = b"N" if part == "N" else many(text("view"), *map(number, part))
    with pytest.raises(CheckpointError, match="a storage, or its part, has a length that can't be"):
        read(storage("0", count, "FloatStorage", more))


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "message"),
    [
        (-1, (2,), (1,), "are not whole numbers"),
        (0, (-2,), (1,), "are not whole numbers"),
        (0, (2,), (-1,), "are not whole numbers"),
        (0, (2, 2), (1,), "or not as many"),
        (2**63, (2,), (1,), "are not whole numbers"),
        (0, (1,) * 33, (1,) * 33, "shape .* overflows"),
        (0, (2**58, 0, 4), (0, 0, 0), "shape .* overflows"),
    ],
)
def test_a_tensor_of_numbers_that_cannot_be_is_refused(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], message: str
) -> None:
    with pytest.raises(CheckpointError, match=f"torch._utils._rebuild_tensor_v2: .*{message}"):
        read(tensor(storage("0", 9), offset, shape, strides))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [storage("0", 9), number(0), numbers([1])],
        [text("0"), number(0), numbers([1]), numbers([1])],
        [storage("0", 9), number(0), number(1), numbers([1])],
    ],
)
@pytest.mark.parametrize("name", ["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"])
def test_other_arguments_than_torchs_are_refused(name: str, arguments: list[bytes]) -> None:
    with pytest.raises(CheckpointError, match=f"{name}: the arguments are not those that torch"):
        read(rebuilt(name, *arguments))


def test_a_tensor_that_stands_for_its_negative_is_refused() -> None:
    negative = b"}" + text("neg") + b"\x88s"
    plain = (storage("0", 4), number(0), numbers([4]), numbers([1]), b"\x89", b"N")
    assert read(rebuilt("_rebuild_tensor_v2", *plain, b"}")) == read(
        rebuilt("_rebuild_tensor", *plain)
    )
    with pytest.raises(CheckpointError, match="isn't stored as it is, but with operations"):
        read(rebuilt("_rebuild_tensor_v2", *plain, negative))
