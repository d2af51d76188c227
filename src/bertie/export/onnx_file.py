"""Writing a model to a file, its weights one at a time.

The `onnx` package would hold them all, and can't hold more than 2 GB. A protocol buffer is fields
one after another, so the graph's frame comes from it and the weights are written behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from bertie.export.onnx_net import Net, Weight, import_onnx

if TYPE_CHECKING:
    import onnx

DATA = ".data"  # after the model's name, as onnx and torch call external data

# A protocol buffer has less than 2 GiB; the rest is for names and nodes.
LARGEST = 2**31 - 2**24
# Of external data: smaller ones stay in the model; larger ones begin at a page, so that they can
# be mapped.
_LEAST_EXTERNAL, _PAGE = 1024, 4096
# Numbers of the fields, by the messages of onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA, _GRAPH_INITIALIZER, _TENSOR_RAW = 7, 14, 5, 9


def write_model(
    net: Net, path: Path, version: str, *, external: bool | None = None
) -> tuple[Path, ...]:
    """Write a graph with its weights as float32.

    Args:
        net: the graph.
        path: the .onnx file.
        version: Bertie's, for the model's producer_version.
        external: whether weights go to a file of their own; None: where a model can't hold them.
    Returns: the model, and the file of its external data, if it has any.
    """
    weights = list(net.weights.values())
    if external is None:
        external = sum(weight.size for weight in weights) > LARGEST
    model = net.model(version)
    files = [path]
    outside: dict[str, int] = {}
    if external:
        files.append(path.with_name(path.name + DATA))
        with files[-1].open("wb") as file:
            for weight in weights:
                if weight.size >= _LEAST_EXTERNAL:
                    file.write(bytes(-file.tell() % _PAGE))
                    outside[weight.name] = file.tell()
                    _write_values(file, weight)
    with path.open("wb") as file:
        _write(file, model, weights, outside, files[-1].name)
    return tuple(files)


def add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Add words about a model at its file's end."""
    entry = import_onnx().StringStringEntryProto
    with path.open("ab") as file:
        for key, value in metadata.items():
            content = entry(key=key, value=value).SerializeToString()
            file.write(_head(_MODEL_METADATA, len(content)) + content)


def _write(
    file: IO[bytes],
    model: onnx.ModelProto,
    weights: Iterable[Weight],
    outside: Mapping[str, int],
    data: str,
) -> None:
    """Write the model, then the graph, then each weight as a field of the graph."""
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    heads = []
    total = len(graph)
    for weight in weights:
        described = _described(weight, outside.get(weight.name), data)
        inside = 0 if weight.name in outside else weight.size
        if inside:
            described += _head(_TENSOR_RAW, inside)
        head = _head(_GRAPH_INITIALIZER, len(described) + inside) + described
        heads.append((head, weight if inside else None))
        total += len(head) + inside
    file.write(model.SerializeToString() + _head(_MODEL_GRAPH, total) + graph)
    for head, inner in heads:
        file.write(head)
        if inner is not None:
            _write_values(file, inner)


def _described(weight: Weight, offset: int | None, data: str) -> bytes:
    """Describe a weight: all of a TensorProto but its numbers."""
    proto: Any = import_onnx().TensorProto
    tensor = proto(name=weight.name, data_type=weight.dtype, dims=weight.shape)
    if offset is not None:
        tensor.data_location = proto.EXTERNAL
        places = {"location": data, "offset": str(offset), "length": str(weight.size)}
        for key, value in places.items():
            tensor.external_data.add(key=key, value=value)
    written: bytes = tensor.SerializeToString()
    return written


def _write_values(file: IO[bytes], weight: Weight) -> None:
    """Write a weight's numbers, little-endian."""
    values = weight.values()
    file.write(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
    weight.forget()


def _head(field: int, length: int) -> bytes:
    """Begin a field of so many bytes."""
    return _varint(field << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    """Write a number in seven bits a byte."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
