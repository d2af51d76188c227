"""The two layouts of torch.save's files: a zip archive, and before version 1.6 a row of pickles.

Either gives the pickled value, and the first byte in the file of each storage that it refers to.
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.pytorch.archive import read_directory, require_intact
from bertie.checkpoint.pytorch.names import NAMES, read_storage
from bertie.checkpoint.pytorch.pickles import LONGEST, read_pickle
from bertie.checkpoint.pytorch.storages import Storage
from bertie.errors import CheckpointError

# How the older layout begins, after it its version.
MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_COUNT = 8


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    Attributes:
        value: what was saved, with StoredTensors in it.
        locate: gives a storage's first byte in the file, once its bytes are known to be there and
            intact; else it raises a CheckpointError.
    """

    value: Any
    locate: Callable[[Storage], int]


def read_archive(mapping: mmap.mmap, where: str) -> Saved:
    """Read the zip layout.

    Raises: CheckpointError: it is broken, a TorchScript program, or big-endian.
    """
    entries = read_directory(mapping, where)
    pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise CheckpointError(
            f"{where} is a zip archive with {len(pickles)} entries */data.pkl, expected one:"
            " torch.save did not write it"
        )
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in entries:
        raise CheckpointError(
            f"{where} is a TorchScript program, expected the model's state_dict(): save that"
        )
    order = f"{folder}byteorder"
    if order in entries:
        _require_little(bytes(require_intact(mapping, entries[order], f"{where}: {order}")), where)
    if entries[pickles[0]].size > LONGEST:
        raise CheckpointError(
            f"{where}: data.pkl has {entries[pickles[0]].size} bytes, expected at most {LONGEST};"
            " save the model's state_dict() alone"
        )
    data = require_intact(mapping, entries[pickles[0]], f"{where}: data.pkl")
    value, _ = read_pickle(data, f"{where}: data.pkl", NAMES, read_storage)
    intact: dict[str, int] = {}

    def locate(storage: Storage) -> int:
        if storage.key not in intact:
            name = f"{folder}data/{storage.key}"
            size = storage.total * storage.type.size
            if name not in entries or entries[name].size != size:
                raise CheckpointError(
                    f"{where} has no entry {shown(name)} of {size} bytes, as data.pkl says;"
                    " fetch it again"
                )
            require_intact(mapping, entries[name], f"{where}: {name}")
            intact[storage.key] = entries[name].begin
        return intact[storage.key]

    return Saved(value, locate)


def read_legacy(mapping: mmap.mmap, where: str) -> Saved:
    """Read the older layout: magic, version, machine, value, keys, and then each storage.

    Raises: CheckpointError: it is broken or big-endian.
    """
    data, begin = memoryview(mapping), 0
    storages: dict[str, Storage] = {}

    def remember(identifier: Any) -> Storage:
        storage = read_storage(identifier)
        known = storages.setdefault(storage.key, storage)
        if (known.type, known.total) != (storage.type, storage.total):
            raise ValueError(f"storage {shown(storage.key)} has two types or lengths")
        return storage

    row = []
    for name in ("magic", "version", "machine", "value", "keys"):
        names, persistent = (NAMES, remember) if name == "value" else ({}, None)
        value, size = read_pickle(data[begin:], f"{where}: {name}", names, persistent)
        row.append(value)
        begin += size
        _require_beginning(row, where)
    *_, value, keys = row
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointError(f"{where}: the storages' keys are not a list of texts")
    places = _storages(mapping, where, begin, [storages.get(key) for key in keys])

    def locate(storage: Storage) -> int:
        if storage.key not in places:
            raise CheckpointError(
                f"{where} has no storage {shown(storage.key)}, which a tensor refers to;"
                " fetch it again"
            )
        return places[storage.key]

    return Saved(value, locate)


def _require_beginning(row: list[Any], where: str) -> None:
    """Check the pickles before the value as soon as each has been read."""
    match row:
        case [magic] if magic != MAGIC:
            raise CheckpointError(f"{where} doesn't begin as torch.save's files do")
        case [_, version] if version != _VERSION:
            raise CheckpointError(
                f"{where} is of version {shown(version)} of torch.save's older layout,"
                f" expected {_VERSION}"
            )
        case [_, _, dict(machine)]:
            little = machine.get("little_endian", True)
            _require_little(b"little" if little is True else b"big", where)


def _storages(
    mapping: mmap.mmap, where: str, begin: int, storages: list[Storage | None]
) -> dict[str, int]:
    """Find each storage's first byte; they must fill the rest of the file, each after its count."""
    places: dict[str, int] = {}
    for storage in storages:
        if storage is None or storage.key in places:
            raise CheckpointError(
                f"{where}: a storage's key comes twice, or no tensor refers to it"
            )
        count = int.from_bytes(mapping[begin : begin + _COUNT], "little")
        begin += _COUNT
        size = storage.total * storage.type.size
        if count != storage.total or begin + size > len(mapping):
            raise CheckpointError(
                f"{where}: storage {shown(storage.key)} at byte {begin} has {count} elements and"
                f" the file {len(mapping)} bytes, expected {storage.total} elements; the file"
                " isn't whole: fetch it again"
            )
        places[storage.key] = begin
        begin += size
    if begin != len(mapping):
        raise CheckpointError(
            f"{where}: the storages end at byte {begin}, but the file has {len(mapping)};"
            " it isn't whole: fetch it again"
        )
    return places


def _require_little(order: bytes, where: str) -> None:
    """Refuse numbers whose highest byte comes first."""
    if order != b"little":
        raise CheckpointError(
            f"{where} was saved on a machine whose byte order is {shown(order)}, expected little;"
            " save the model again as safetensors"
        )
