"""Graphs as TensorFlow wrote them, and broken ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.tensorflow.graph import Graph, Node
from bertie.errors import CheckpointError

from .writing import DATA, field

TAGS = ("bert-tuned", "bert-pretrained")


def node(name: str, op: str, *inputs: str, value: bytes = b"") -> bytes:
    """Write one operation, with a constant's tensor."""
    message = field(1, name.encode()) + field(2, op.encode())
    message += b"".join(field(3, each.encode()) for each in inputs)
    if value:
        message += field(5, field(1, b"value") + field(2, field(8, value)))
    return field(1, message)


def meta_graph(*nodes: bytes, tag: str = "") -> bytes:
    return field(1, field(4, tag.encode())) + field(2, b"".join(nodes))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Graph]:
    """Read a graph of some nodes."""

    def read(*nodes: bytes) -> Graph:
        path = tmp_path / "model.ckpt.meta"
        path.write_bytes(meta_graph(*nodes))
        return Graph.of_meta(path)

    return read


def test_a_saved_model_tells_its_tags_signatures_and_operations() -> None:
    graph = Graph.of_saved_model(DATA / "embedding" / "saved_model.pb", TAGS)
    assert graph.tags == ("bert-pretrained",)
    signature = graph.signatures["embedding"]
    assert signature.inputs["input_ids"] == (-1, -1)
    assert signature.outputs == {"embedding": (-1, -1, 12)}
    name = "bert/encoder/layer_0/attention/self/Reshape"
    assert graph.nodes[name].op == "Reshape"
    assert graph.nodes[f"{name}/shape/2"] == Node("Const", (), (3,))
    assert not any(name.startswith(("save/", "bert/pooler/")) for name in graph.nodes)


def test_a_graph_beside_a_checkpoint_reads_alike() -> None:
    graph = Graph.of_meta(DATA / "classifier" / "model.ckpt-2.meta")
    assert graph.nodes["bert/encoder/layer_1/intermediate/dense/Erf"].op == "Erf"


def test_the_preferred_tag_is_read_among_several(tmp_path: Path) -> None:
    path = tmp_path / "saved_model.pb"
    graphs = [meta_graph(tag=tag) for tag in ("train", "bert-pretrained", "bert-tuned")]
    path.write_bytes(field(1, 1) + b"".join(field(2, graph) for graph in graphs))
    assert Graph.of_saved_model(path, TAGS).tags == ("bert-tuned",)
    assert Graph.of_saved_model(path, ("serve",)).tags == ("train",)


INSIDE = "encoder/layer_0/attention/self/Reshape"


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (field(1, 3) + field(4, np.array([2, -1], "<i4").tobytes()), (2, -1)),
        (field(1, 9) + field(4, np.array([2**40], "<i8").tobytes()), (2**40,)),
        (field(1, 1) + field(4, np.array([0.5], "<f4").tobytes()), (0.5,)),
        (field(1, 3) + field(7, b"\2\3"), (2, 3)),
        (field(1, 3) + field(7, 12), (12,)),
        (field(1, 9) + field(10, -1), (-1,)),
        (field(1, 1) + field(5, np.array([0.25], "<f4").tobytes()), (0.25,)),
        (field(1, 7) + field(8, b"text"), ()),
        (field(1, 3) + field(4, bytes(68)), ()),
        (field(1, 3) + field(4, b"123"), ()),
    ],
)
def test_a_small_constant_reads_in_each_way_it_is_written(
    read: Callable[..., Graph], value: bytes, numbers: tuple[float, ...]
) -> None:
    assert read(node(INSIDE, "Const", value=value)).nodes[INSIDE].values == numbers


def test_inputs_lose_the_numbers_of_outputs(read: Callable[..., Graph]) -> None:
    assert read(node(INSIDE, "Reshape", "a:1", "b")).nodes[INSIDE].inputs == ("a", "b")


def test_the_operations_of_gradients_tell_nothing(read: Callable[..., Graph]) -> None:
    assert read(node(f"gradients/{INSIDE}", "Tanh")).nodes == {}


def test_a_node_may_have_its_fields_in_any_order(read: Callable[..., Graph]) -> None:
    swapped = field(1, field(2, b"Erf") + field(1, INSIDE.encode()))
    assert read(swapped).nodes == {INSIDE: Node("Erf", ())}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x12\x7f", "a field claims 127 bytes, but 0 are left"),
        (field(2, b"\x0a\xff"), "the number at byte"),
        (field(2, 7), "field 2 is a number, expected bytes"),
        (field(2, field(1, field(1, INSIDE.encode() + b"/\xff"))), "is not UTF-8"),
    ],
)
def test_a_broken_graph_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.ckpt.meta"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"^model.ckpt.meta: .*{message}"):
        Graph.of_meta(path)


def test_a_saved_model_without_a_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "saved_model.pb"
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"saved_model.pb has no graph"):
        Graph.of_saved_model(path, TAGS)
    with path.open("r+b") as file:
        file.truncate(2**32)
    with pytest.raises(CheckpointError, match=r"has 4294967296 bytes, expected at most"):
        Graph.of_saved_model(path, TAGS)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"saved_model.pb can't be read: No such file"):
        Graph.of_saved_model(path, TAGS)
