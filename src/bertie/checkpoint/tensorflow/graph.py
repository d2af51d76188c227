"""A TensorFlow graph as a record of operations, read to learn from and never run.

Source: TensorFlow's saved_model.proto, meta_graph.proto, graph.proto and tensor.proto.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bertie.checkpoint.protobuf import Message, as_signed, as_text, fields
from bertie.errors import CheckpointError

# In bytes: a graph without weights, which lie beside it; BERT-large's has some megabytes.
_LARGEST = 256 * 2**20
_FLOAT, _INT32, _INT64 = 1, 3, 9
_LONGEST_CONSTANT = 64  # bytes

# The operations that tell something, which are few of thousands; those of the gradients don't.
_RELEVANT = re.compile(
    rb"(?!gradients/).*"
    rb"(encoder/layer_\d+/(attention/self/Reshape|intermediate/dense/[^/]*$)"
    rb"|embeddings/LayerNorm/batchnorm/add/y)"
)


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: its kind, such as Reshape.
        inputs: the names of the nodes that it takes.
        values: a small constant's numbers, flattened; none for anything else.
    """

    op: str
    inputs: tuple[str, ...]
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Signature:
    """One way to call a graph: the shapes of what goes in and comes out, by name; -1 for any."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Graph:
    """What a graph tells.

    Attributes:
        tags: what it was saved for.
        signatures: the ways to call it, by name.
        nodes: the operations that tell something, by name.
    """

    tags: tuple[str, ...]
    signatures: Mapping[str, Signature]
    nodes: Mapping[str, Node]

    @classmethod
    def of_meta(cls, path: Path) -> "Graph":
        """Read the graph that lies beside a checkpoint.

        Raises: CheckpointError: it isn't a whole graph.
        """
        return cls._of(Message(_read(path), path.name))

    @classmethod
    def of_saved_model(cls, path: Path, preferred: tuple[str, ...]) -> "Graph":
        """Read the graph of a SavedModel.

        Args:
            path: saved_model.pb.
            preferred: tags, the best first; a SavedModel may have several graphs of one model.
        Raises: CheckpointError: it isn't a whole SavedModel, or has no graph.
        """
        message = Message(_read(path), path.name)
        graphs = [cls._of(graph) for graph in message.messages(2)]
        if not graphs:
            raise CheckpointError(f"{path.name} has no graph; fetch it again")
        for tag in preferred:
            for graph in graphs:
                if tag in graph.tags:
                    return graph
        return graphs[0]

    @classmethod
    def _of(cls, message: Message) -> "Graph":
        """Read a MetaGraphDef."""
        tags = message.message(1).every(4)
        return cls(
            tuple(as_text(tag, message.where) for tag in tags),
            {
                entry.text(1): Signature(_shapes(entry.message(2), 1), _shapes(entry.message(2), 2))
                for entry in message.messages(5)
            },
            dict(_nodes(message.bytes(2), message.where)),
        )


def _read(path: Path) -> memoryview:
    """Read a graph's file."""
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise CheckpointError(
                f"{path.name} has {size} bytes, expected at most {_LARGEST} of a graph whose"
                " weights lie beside it"
            )
        return memoryview(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path.name} can't be read: {error.strerror}") from error


def _shapes(signature: Message, field: int) -> dict[str, tuple[int, ...]]:
    """Read the shapes of a signature's inputs or outputs."""
    return {
        entry.text(1): tuple(axis.signed(1) for axis in entry.message(2).message(3).messages(2))
        for entry in signature.messages(field)
    }


def _nodes(graph: memoryview, where: str) -> Iterator[tuple[str, Node]]:
    """Read the operations of a graph that tell something."""
    for number, value in fields(graph, where):
        if number != 1 or isinstance(value, int):
            continue
        # Its name comes first; of most there is no need to read more.
        first, name = next(fields(value, where), (1, b""))
        if first == 1 and not isinstance(name, int) and not _RELEVANT.match(name):
            continue
        node = Message(value, where)
        if _RELEVANT.match(node.bytes(1)):
            # A control input begins with ^; of several outputs, the number follows a colon.
            inputs = (as_text(each, where).partition(":")[0] for each in node.every(3))
            yield node.text(1), Node(node.text(2), tuple(inputs), tuple(_constant(node)))


def _constant(node: Message) -> Iterator[float]:
    """Read the numbers of a small constant, in whichever of the ways it is written."""
    if node.text(2) != "Const":
        return
    for attribute in node.messages(5):
        if attribute.text(1) != "value":
            continue
        tensor = attribute.message(2).message(8)
        kind, content = tensor.number(1), tensor.bytes(4)
        dtype = {_FLOAT: "<f4", _INT32: "<i4", _INT64: "<i8"}.get(kind)
        if dtype is None or len(content) > _LONGEST_CONSTANT:
            return
        if len(content) > 0:
            size = np.dtype(dtype).itemsize
            yield from np.frombuffer(content[: len(content) // size * size], dtype).tolist()
        elif kind == _FLOAT:
            packed = bytes(tensor.bytes(5))[:_LONGEST_CONSTANT]
            yield from np.frombuffer(packed[: len(packed) // 4 * 4], "<f4").tolist()
        else:
            yield from (as_signed(number) for number in tensor.numbers(7 if kind == _INT32 else 10))
