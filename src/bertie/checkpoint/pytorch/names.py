"""What a pickle of torch.save may name, and what it stands for here.

The functions are torch._utils' own, less everything but the description of the tensor: where its
elements lie, of which type, in which shape. What a model doesn't need (gradients, hooks, devices)
is dropped.
"""

from collections.abc import Callable, Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.pytorch.pickles import Maker
from bertie.checkpoint.pytorch.storages import ElementType, Storage, StoredTensor
from bertie.checkpoint.tensor import can_be

_LARGEST = 2**63 - 1

# torch's class of a storage, and its word for the type → ours.
_STORAGES: Mapping[str, ElementType] = {
    "DoubleStorage": ElementType("F64", 8),
    "FloatStorage": ElementType("F32", 4),
    "HalfStorage": ElementType("F16", 2),
    "BFloat16Storage": ElementType("BF16", 2),
    "LongStorage": ElementType("I64", 8),
    "IntStorage": ElementType("I32", 4),
    "ShortStorage": ElementType("I16", 2),
    "CharStorage": ElementType("I8", 1),
    "ByteStorage": ElementType("U8", 1),
    "BoolStorage": ElementType("BOOL", 1),
    "ComplexFloatStorage": ElementType("C64", 8),
}
_BYTES = ElementType("U8", 1)
_DTYPES: Mapping[str, ElementType] = {
    "float64": ElementType("F64", 8),
    "float32": ElementType("F32", 4),
    "float16": ElementType("F16", 2),
    "bfloat16": ElementType("BF16", 2),
    "float8_e4m3fn": ElementType("F8_E4M3", 1),
    "float8_e4m3fnuz": ElementType("F8_E4M3FNUZ", 1),
    "float8_e5m2": ElementType("F8_E5M2", 1),
    "float8_e5m2fnuz": ElementType("F8_E5M2FNUZ", 1),
    "float8_e8m0fnu": ElementType("F8_E8M0", 1),
    "int64": ElementType("I64", 8),
    "int32": ElementType("I32", 4),
    "int16": ElementType("I16", 2),
    "int8": ElementType("I8", 1),
    "uint64": ElementType("U64", 8),
    "uint32": ElementType("U32", 4),
    "uint16": ElementType("U16", 2),
    "uint8": ElementType("U8", 1),
    "bool": ElementType("BOOL", 1),
    "complex64": ElementType("C64", 8),
}


def read_storage(identifier: Any) -> Storage:
    """Give the storage that a pickle's persistent identifier describes; its place is dropped.

    Raises: ValueError: it describes none.
    """
    match identifier:
        case ("storage", ElementType() as kind, str(key), str(), int(count)):
            view = (0, count)
        case ("storage", ElementType() as kind, str(key), str(), int(count), None):
            view = (0, count)
        case ("storage", ElementType() as kind, str(key), str(), int(count), (str(), *part)):
            view = tuple(part)
        case _:
            raise ValueError("it refers to something outside itself that is no storage")
    numbers = (count, *view)
    if len(numbers) != 3 or not _are_counts(numbers) or view[0] + view[1] > count:
        raise ValueError("a storage, or its part, has a length that can't be")
    return Storage(key, kind, count, *view)


def _tensor(arguments: tuple[Any, ...]) -> StoredTensor:
    """Rebuild a tensor of the storage's type."""
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(strides), *more):
            _require_plain(more[2:])
            return _stored(storage, storage.type, offset, shape, strides)
    raise ValueError(_UNEXPECTED)


def _typed_tensor(arguments: tuple[Any, ...]) -> StoredTensor:
    """Rebuild a tensor of a type that its storage doesn't know."""
    match arguments:
        case (
            Storage() as storage,
            int(offset),
            tuple(shape),
            tuple(strides),
            _,
            _,
            ElementType() as kind,
            *more,
        ):
            _require_plain(more)
            return _stored(storage, kind, offset, shape, strides)
    raise ValueError(_UNEXPECTED)


def _stored(
    storage: Storage, kind: ElementType, offset: int, shape: tuple[Any, ...], strides: Any
) -> StoredTensor:
    """Check that a tensor's numbers count something."""
    if len(shape) != len(strides) or not _are_counts((offset, *shape, *strides)):
        raise ValueError("offset, shape or strides are not whole numbers, or not as many")
    if not can_be(shape):
        raise ValueError(f"shape {shown(shape)} overflows")
    return StoredTensor(storage, kind, offset, shape, strides)


def _parameter(arguments: tuple[Any, ...]) -> StoredTensor:
    """Take the tensor that a parameter is."""
    match arguments:
        case (StoredTensor() as tensor, *_):
            return tensor
    raise ValueError(_UNEXPECTED)


def _ordered(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """Begin an ordered dict, as every dict is; its items follow."""
    if arguments:
        raise ValueError(_UNEXPECTED)
    return {}


def _size(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take a torch.Size as the tuple that it is."""
    match arguments:
        case (tuple(lengths),):
            return lengths
    raise ValueError(_UNEXPECTED)


def _device(arguments: tuple[Any, ...]) -> None:
    """Forget where a tensor was."""


def _require_plain(metadata: list[Any]) -> None:
    """Refuse tensors that are the negative or the conjugate of what is stored."""
    if metadata and metadata[0]:
        raise ValueError("the tensor isn't stored as it is, but with operations to follow")


def _are_counts(numbers: tuple[Any, ...]) -> bool:
    """Tell whether numbers count something."""
    return all(type(number) is int and 0 <= number <= _LARGEST for number in numbers)


_UNEXPECTED = "the arguments are not those that torch gives"

_MAKERS: Mapping[tuple[str, str], Callable[[tuple[Any, ...]], Any]] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _typed_tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("collections", "OrderedDict"): _ordered,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
}

NAMES: Mapping[tuple[str, str], Any] = {
    **{("torch", name): kind for name, kind in _STORAGES.items()},
    **{("torch", name): kind for name, kind in _DTYPES.items()},
    ("torch", "UntypedStorage"): _BYTES,
    ("torch.storage", "UntypedStorage"): _BYTES,
    **{place: Maker(".".join(place), make) for place, make in _MAKERS.items()},
}
