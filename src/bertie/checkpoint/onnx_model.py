"""ONNX files: a graph's nodes, and its initializers mapped in place.

A file is one protocol buffer. What it says of sizes and places is compared with the bytes that are
there before anything is taken; nothing in it is executed.

Source: onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from math import prod
from pathlib import Path
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.files import resolve_inside
from bertie.checkpoint.protobuf import Message, as_signed
from bertie.checkpoint.tensor import DTYPE_BITS, Tensor
from bertie.errors import CheckpointError

# Numbers of the fields, by the messages of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_SPARSE = 1, 5, 11, 15
_INPUT_NAME = 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_INTS = 1, 3, 5, 8
_DIMS, _TYPE, _SEGMENT, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 3, 8, 9, 13, 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_IS_EXTERNAL = 1
_ENTRIES = {"location", "offset", "length", "checksum", "basepath"}

# TensorProto.DataType → safetensors' word. Texts, complex numbers and the like are no weights.
_DTYPES: Mapping[int, str] = {
    1: "F32",
    2: "U8",
    3: "I8",
    4: "U16",
    5: "I16",
    6: "I32",
    7: "I64",
    9: "BOOL",
    10: "F16",
    11: "F64",
    12: "U32",
    13: "U64",
    16: "BF16",
}
# Where numbers may lie, as they are, when not in raw_data; those of other types are varints then.
_PACKED: Mapping[str, int] = {"F32": 4, "F64": 10}
_FLOATS = ("F32", "F16", "BF16", "F64")
_MOST_AXES = 8


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operation of a graph.

    Attributes:
        op: the operator's name.
        domain: whose operator it is; "" or "ai.onnx" for the standard's.
        inputs: names of the values that come in; "" for one left out.
        outputs: names of the values that go out.
        numbers: its attributes that are whole numbers, at most eight of each.
        value: the tensor of a Constant.
    """

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, tuple[int, ...]]
    value: Tensor | None


@dataclass(frozen=True, eq=False)
class Graph:
    """A model's graph.

    Attributes:
        where: the file's name, for messages.
        nodes: in the order of computation, as the file has them.
        initializers: tensors by name; None for those of types that can't be weights.
        inputs: names of the values that a caller gives.
    """

    where: str
    nodes: tuple[Node, ...]
    initializers: Mapping[str, Tensor | None]
    inputs: tuple[str, ...]


def read_graph(path: Path) -> Graph:
    """Read a model's graph and map its tensors.

    Args:
        path: the .onnx file; files of external data lie beside it.
    Raises: CheckpointError: the file, or one that it names, isn't whole and well-formed.
    """
    return _Reader(path).graph()


def weight_files(path: Path) -> tuple[Path, ...]:
    """Give a model's file and those that hold its external data.

    Args, Raises: as read_graph, but for what the nodes have wrong.
    """
    return _Reader(path).files()


class _Reader:
    """One file being read, and the files of external data that it names."""

    def __init__(self, path: Path) -> None:
        """Map the file."""
        self._path = path
        self._where = path.name
        self._mapped: dict[Path, mmap.mmap] = {}
        # Where the last tensor of each file of external data ends; None if a type isn't known.
        self._ends: dict[Path, int] | None = {}

    def files(self) -> tuple[Path, ...]:
        """Follow the tensors to their files."""
        self._tensors(self._graph())
        return tuple(self._mapped)

    def graph(self) -> Graph:
        """Read everything."""
        message = self._graph()
        graph = Graph(
            self._where,
            tuple(self._node(node) for node in message.messages(_GRAPH_NODE)),
            self._tensors(message),
            tuple(self._text(value.bytes(_INPUT_NAME)) for value in message.messages(_GRAPH_INPUT)),
        )
        self._require_ends()
        return graph

    def _graph(self) -> Message:
        """Find the graph in the file."""
        graph = Message(memoryview(self._map(self._path)), self._where).message(_MODEL_GRAPH)
        if not any(True for _ in graph.every(_GRAPH_NODE)):
            raise CheckpointError(
                f"{self._where} holds no graph; it isn't ONNX or isn't whole: fetch it again"
            )
        if any(True for _ in graph.every(_GRAPH_SPARSE)):
            raise CheckpointError(f"{self._where}: sparse initializers are not supported")
        return graph

    def _tensors(self, graph: Message) -> dict[str, Tensor | None]:
        """Read the initializers."""
        tensors: dict[str, Tensor | None] = {}
        for message in graph.messages(_GRAPH_INITIALIZER):
            name = self._text(message.bytes(_NAME))
            if name in tensors:
                raise CheckpointError(f"{self._where}: initializer {name} is there twice")
            tensors[name] = self._tensor(message, name)
        self._refuse_overlap(tensors.values())
        return tensors

    def _refuse_overlap(self, tensors: Iterable[Tensor | None]) -> None:
        """Refuse tensors that share bytes: where one lies is damaged."""
        placed = [tensor for tensor in tensors if tensor is not None and tensor.data.size]
        placed.sort(key=lambda tensor: (tensor.file, tensor.offset))
        for before, after in pairwise(placed):
            if before.file == after.file and before.offset + before.data.size > after.offset:
                raise CheckpointError(
                    f"{self._where}: tensors {before.name} and {after.name} overlap at byte"
                    f" {after.offset} of {after.file}; the file is damaged: fetch it again"
                )

    def _node(self, message: Message) -> Node:
        """Read one node."""
        outputs = tuple(self._text(name) for name in message.every(_NODE_OUTPUT))
        op = self._text(message.bytes(_NODE_OP))
        numbers: dict[str, tuple[int, ...]] = {}
        value = None
        for attribute in message.messages(_NODE_ATTRIBUTE):
            name = self._text(attribute.bytes(_ATTRIBUTE_NAME))
            listed = tuple(islice(attribute.numbers(_ATTRIBUTE_INTS), _MOST_AXES))
            numbers[name] = listed or (attribute.signed(_ATTRIBUTE_INT),)
            if op == "Constant" and name == "value" and outputs:
                value = self._tensor(attribute.message(_ATTRIBUTE_TENSOR), outputs[0])
        return Node(
            op,
            self._text(message.bytes(_NODE_DOMAIN)),
            tuple(self._text(name) for name in message.every(_NODE_INPUT)),
            outputs,
            numbers,
            value,
        )

    def _text(self, data: memoryview) -> str:
        """Decode a name, which messages may show."""
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if not text.isprintable():
            raise CheckpointError(
                f"{self._where}: name {shown(bytes(data[:100]))} can't be printed, expected UTF-8"
            )
        return text

    def _tensor(self, message: Message, name: str) -> Tensor | None:
        """Find a tensor's bytes."""
        where = f"{self._where}: tensor {name}"
        shape = tuple(map(as_signed, islice(message.numbers(_DIMS), _MOST_AXES + 1)))
        if len(shape) > _MOST_AXES or any(length < 0 for length in shape):
            raise CheckpointError(
                f"{where}: dims is {shown(shape)}, expected at most {_MOST_AXES} lengths"
            )
        dtype = _DTYPES.get(message.number(_TYPE))
        if dtype is None:
            self._ends = None
            return None
        size = prod(shape) * DTYPE_BITS[dtype] // 8
        if message.number(_LOCATION) == _IS_EXTERNAL:
            path, data = self._external(message, where, size)
        else:
            path, data = self._path, np.frombuffer(_numbers(message, where, dtype), np.uint8)
            if not data.size and dtype not in _FLOATS:
                return None
        if data.size != size:
            raise CheckpointError(
                f"{where}: {dtype} of shape {shape} takes {size} bytes, but it has {data.size};"
                " the file isn't whole: fetch it again"
            )
        mapped = self._mapped[path]
        offset = _address(data) - _address(np.frombuffer(mapped, np.uint8)) if size else 0
        return Tensor(name, dtype, shape, data, path.name, mapped, offset)

    def _external(self, message: Message, where: str, size: int) -> tuple[Path, NDArray[np.uint8]]:
        """Give a tensor's bytes in another file."""
        entries = {
            self._text(entry.bytes(_ENTRY_KEY)): self._text(entry.bytes(_ENTRY_VALUE))
            for entry in message.messages(_EXTERNAL)
        }
        if unknown := sorted(entries.keys() - _ENTRIES):
            raise CheckpointError(
                f"{where}: external data has {unknown[0]}, expected {', '.join(sorted(_ENTRIES))}"
            )
        path = resolve_inside(self._path.parent, entries.get("location"), where)
        start = _count(entries.get("offset", "0"), f"{where}: offset")
        length = _count(entries.get("length", str(size)), f"{where}: length")
        data = np.frombuffer(self._map(path), np.uint8)
        if length > data.size - start:
            raise CheckpointError(
                f"{where} lies at bytes {start} to {start + length} of {path.name},"
                f" but that has {data.size}; it isn't whole: fetch it again"
            )
        if self._ends is not None:
            self._ends[path] = max(start + length, self._ends.get(path, 0))
        return path, data[start : start + length]

    def _require_ends(self) -> None:
        """Refuse external data that goes on after the last tensor: something was put into it."""
        for path, end in (self._ends or {}).items():
            if len(self._mapped[path]) > end:
                raise CheckpointError(
                    f"{path.name} has {len(self._mapped[path])} bytes, but the tensors of"
                    f" {self._where} end at {end}: fetch both again"
                )

    def _map(self, path: Path) -> mmap.mmap:
        """Map a file once."""
        if path not in self._mapped:
            try:
                with path.open("rb") as file:
                    self._mapped[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:  # an empty file can't be mapped
                said = error.strerror if isinstance(error, OSError) else "it is empty"
                raise CheckpointError(f"{path.name} can't be read: {said}") from error
        return self._mapped[path]


def _numbers(message: Message, where: str, dtype: str) -> memoryview:
    """Give the bytes of a tensor that lies in the graph's own file."""
    raw = message.bytes(_RAW)
    if len(raw) or dtype not in _PACKED:
        return raw
    parts = list(message.every(_PACKED[dtype]))
    if len(parts) > 1:
        raise CheckpointError(f"{where}: its numbers lie in {len(parts)} parts, expected one")
    return parts[0] if parts else raw


def _count(text: str, where: str) -> int:
    """Read a number of bytes that is written out."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise CheckpointError(f"{where} is {shown(text)}, expected a number of bytes")
    return int(text)


def _address(data: NDArray[np.uint8]) -> int:
    """Tell where an array begins in memory."""
    address: int = data.__array_interface__["data"][0]
    return address
