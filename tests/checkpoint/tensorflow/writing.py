"""Tables and bundles of any content, right or wrong, as TensorFlow writes them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bertie._core import crc32c
from bertie.checkpoint.tensorflow.table import masked

DATA = Path(__file__).parents[2] / "data" / "tiny-tensorflow"
MAGIC = 0xDB4775248B80FB57
TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "float16": 19}


def checksum(data: bytes) -> int:
    return masked(crc32c(np.frombuffer(data, np.uint8)))


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    """Write a field of a message: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed32(number: int, value: int) -> bytes:
    return varint(number << 3 | 5) + value.to_bytes(4, "little")


def block(entries: Iterable[tuple[bytes, bytes]], restarts: int = 1) -> bytes:
    """Write a block, its keys in full."""
    out = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    return out + bytes(4) * restarts + restarts.to_bytes(4, "little")


def sealed(content: bytes, kind: int = 0) -> bytes:
    """Put a block's kind and checksum after it."""
    body = content + bytes([kind])
    return body + checksum(body).to_bytes(4, "little")


def table(blocks: Iterable[bytes], kind: int = 0, places: list[bytes] | None = None) -> bytes:
    """Write a table of blocks; `places` in their list are other than the true ones."""
    out, true = b"", []
    for content in blocks:
        true.append(varint(len(out)) + varint(len(content)))
        out += sealed(content, kind)
    listed = [(bytes([number]), place) for number, place in enumerate(places or true)]
    meta = varint(len(out)) + varint(len(block([])))
    out += sealed(block([]))
    listing = varint(len(out)) + varint(len(block(listed)))
    out += sealed(block(listed))
    return out + (meta + listing).ljust(40, b"\0") + MAGIC.to_bytes(8, "little")


def header(shards: int = 1, endianness: int = 0, oldest: int = 0) -> bytes:
    """Write a bundle's header."""
    return field(1, shards) + field(2, endianness) + field(3, field(1, 1) + field(2, oldest))


def entry(
    kind: int, shape: Iterable[int], offset: int, data: bytes, size: int | None = None, **more: Any
) -> bytes:
    """Write what an index says of a tensor whose data is this."""
    axes = b"".join(field(2, field(1, length)) for length in shape)
    message = field(1, kind) + field(2, axes) + field(3, more.get("shard", 0))
    message += field(4, offset) + field(5, len(data) if size is None else size)
    return message + fixed32(6, checksum(data)) + more.get("tail", b"")


def write_index(directory: Path, entries: Mapping[str, bytes], head: bytes | None = None) -> Path:
    """Write an index of these entries."""
    index = directory / "model.ckpt.index"
    keys = {b"": header() if head is None else head}
    keys |= {name.encode(): value for name, value in entries.items()}
    index.write_bytes(table([block(sorted(keys.items()))]))
    return index


def write_bundle(directory: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """Write arrays as a whole checkpoint of one shard."""
    data, entries = b"", {}
    for name, array in arrays.items():
        content = array.tobytes()
        kind = TYPES[array.dtype.name]
        entries[name] = entry(kind, array.shape, len(data), content)
        data += content
    (directory / "model.ckpt.data-00000-of-00001").write_bytes(data)
    return write_index(directory, entries)


def expected_states(name: str, states: str = "hidden") -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Give what TensorFlow was fed with and what it gave (the last layer), without padding.

    Returns: ids, type ids and lengths, packed; (tokens, hidden) float32.
    """
    with np.load(DATA / "expected.npz") as stored:
        ids, mask, types, hidden = (
            stored[f"{name}_{key}"] for key in ("ids", "mask", "types", states)
        )
    kept = mask.astype(bool)
    last = hidden[-1] if hidden.ndim == 4 else hidden
    return (ids[kept], types[kept], mask.sum(1, dtype=np.int32)), last[kept]
