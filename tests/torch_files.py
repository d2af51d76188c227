"""Files of torch.save, assembled opcode by opcode, right or wrong."""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

MAGIC = 0x1950A86A20F9469CFC6C


def text(value: str) -> bytes:
    """Push a text."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """Push a whole number."""
    return b"J" + struct.pack("<i", value) if abs(value) < 2**31 else pickled_number(value)


def pickled_number(value: int) -> bytes:
    """Push a whole number of any length."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def many(*items: bytes) -> bytes:
    """Push a tuple."""
    return b"(" + b"".join(items) + b"t"


def numbers(values: Sequence[int]) -> bytes:
    """Push a tuple of whole numbers."""
    return many(*map(number, values))


def named(module: str, name: str) -> bytes:
    """Push what a module has under a name."""
    return f"c{module}\n{name}\n".encode()


def called(function: bytes, *arguments: bytes) -> bytes:
    """Call a function."""
    return function + many(*arguments) + b"R"


def storage(key: str, count: int, kind: str = "FloatStorage", *more: bytes) -> bytes:
    """Refer to a storage; the older layout has one thing more."""
    return (
        many(text("storage"), named("torch", kind), text(key), text("cpu"), number(count), *more)
        + b"Q"
    )


def tensor(held: bytes, offset: int, shape: Sequence[int], strides: Sequence[int]) -> bytes:
    """Rebuild a tensor."""
    hooks = called(named("collections", "OrderedDict"))
    return called(
        named("torch._utils", "_rebuild_tensor_v2"),
        held,
        number(offset),
        numbers(shape),
        numbers(strides),
        b"\x89",
        hooks,
    )


def state(tensors: Mapping[str, bytes]) -> bytes:
    """Push a dict of whatever is pushed under each name."""
    return b"}(" + b"".join(text(name) + pushed for name, pushed in tensors.items()) + b"u"


def pickled(pushed: bytes) -> bytes:
    """Put a beginning and an end around opcodes."""
    return b"\x80\x02" + pushed + b"."


def archive(
    data: bytes,
    storages: Mapping[str, bytes],
    *,
    more: Mapping[str, bytes] | None = None,
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """Put a pickle and its storages into a zip archive, as torch 1.6 and later do."""
    entries = {
        "archive/data.pkl": data,
        "archive/byteorder": b"little",
        **{f"archive/data/{key}": held for key, held in storages.items()},
        **(more or {}),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as written:
        for name, content in entries.items():
            written.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def row(
    data: bytes,
    storages: Mapping[str, bytes],
    size: int = 4,
    machine: Any = None,
    version: int = 1001,
) -> bytes:
    """Put a pickle and its storages one after another, as torch did before 1.6."""
    before = (MAGIC, version, {"little_endian": True} if machine is None else machine)
    counted = b"".join(struct.pack("<q", len(held) // size) + held for held in storages.values())
    pickles = b"".join(pickle.dumps(value, 2) for value in before)
    return pickles + data + pickle.dumps(list(storages), 2) + counted
