"""The ONNX reader on files spelled out field by field."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.checkpoint.onnx_model import read_graph, weight_files
from bertie.errors import CheckpointError
from tests.wire import block, number, varint

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
FLOAT, INT64, FLOAT16, STRING = 1, 7, 10, 8


def tensor(
    *fields: bytes, name: str = "a", kind: int = FLOAT, dims: tuple[int, ...] = (2, 3)
) -> bytes:
    """Write an initializer."""
    return (
        block(8, name) + number(2, kind) + b"".join(number(1, d) for d in dims) + b"".join(fields)
    )


def external(location: str, **entries: Any) -> bytes:
    """Write where a tensor lies in another file."""
    listed = {"location": location, **entries}
    written = (block(13, block(1, key) + block(2, str(value))) for key, value in listed.items())
    return b"".join(written) + number(14, 1)


def node(op: str, inputs: str = "x", outputs: str = "y", *rest: bytes) -> bytes:
    """Write a node."""
    names = [block(1, name) for name in inputs.split()] + [block(2, n) for n in outputs.split()]
    return b"".join(names) + block(4, op) + b"".join(rest)


def write(directory: Path, *tensors: bytes, nodes: tuple[bytes, ...] = (node("Relu"),)) -> Path:
    """Write a model of these initializers and nodes."""
    graph = b"".join(block(1, n) for n in nodes) + b"".join(block(5, t) for t in tensors)
    path = directory / "model.onnx"
    path.write_bytes(number(1, 8) + block(7, graph + block(11, block(1, "x"))))
    return path


RAW = block(9, VALUES.tobytes())


@pytest.mark.parametrize(
    "fields",
    [(RAW,), (block(4, VALUES.tobytes()),)],
    ids=["raw_data", "float_data"],
)
def test_a_tensor_is_mapped_where_it_lies(tmp_path: Path, fields: tuple[bytes, ...]) -> None:
    path = write(tmp_path, tensor(*fields))
    read = read_graph(path).initializers["a"]
    assert read is not None
    assert (read.dtype, read.shape, read.file) == ("F32", (2, 3), "model.onnx")
    assert np.array_equal(read.float32(), VALUES)
    assert path.read_bytes()[read.offset :][:24] == VALUES.tobytes()
    read.forget()
    assert np.array_equal(read.float32(), VALUES)


def test_dims_may_be_packed_and_a_number_has_no_axes(tmp_path: Path) -> None:
    packed = block(8, "a") + number(2, FLOAT) + block(1, varint(2) + varint(3)) + RAW
    alone = tensor(block(9, VALUES[0, :1].tobytes()), name="b", dims=())
    read = read_graph(write(tmp_path, packed, alone)).initializers
    assert {name: t.shape for name, t in read.items() if t} == {"a": (2, 3), "b": ()}


def test_a_node_reads_with_what_it_takes_gives_and_is_told(tmp_path: Path) -> None:
    told = block(5, block(1, "perm") + block(8, varint(1) + varint(0)))
    constant = block(5, block(1, "value") + block(5, tensor(RAW, name="")))
    path = write(
        tmp_path,
        nodes=(
            node("Transpose", "x", "y", told),
            node("Gemm", "y w  b", "z", block(5, block(1, "transB") + number(3, 1))),
            node("Constant", "", "c", constant),
            node("Attention", "z", "o", block(7, "com.microsoft")),
        ),
    )
    transpose, gemm, value, fused = read_graph(path).nodes
    assert transpose.numbers == {"perm": (1, 0)}
    assert (gemm.inputs, gemm.outputs, gemm.numbers) == (("y", "w", "b"), ("z",), {"transB": (1,)})
    assert value.value is not None
    assert np.array_equal(value.value.float32(), VALUES)
    assert (fused.op, fused.domain) == ("Attention", "com.microsoft")


def test_external_data_is_mapped_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"12345678" + VALUES.tobytes() + VALUES[::-1].tobytes())
    path = write(
        tmp_path,
        tensor(external("weights", offset=8)),
        tensor(external("weights", offset=32, length=24, checksum="x"), name="b"),
    )
    read = {name: t.float32().tolist() for name, t in read_graph(path).initializers.items() if t}
    assert read == {"a": VALUES.tolist(), "b": VALUES[::-1].tolist()}
    assert weight_files(path) == (path, tmp_path / "weights")


def test_external_data_that_goes_on_after_the_last_tensor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(VALUES.tobytes() + b"x")
    path = write(tmp_path, tensor(external("weights")))
    with pytest.raises(CheckpointError, match=r"weights has 25 bytes, but the tensors .* at 24"):
        read_graph(path)
    # A type that isn't known may have lain there.
    unknown = tensor(external("weights", offset=24), kind=STRING, dims=(1,), name="b")
    assert read_graph(write(tmp_path, tensor(external("weights")), unknown)).initializers["a"]


def test_types_that_cannot_be_weights_are_left_out(tmp_path: Path) -> None:
    texts = tensor(block(6, "text"), kind=STRING, dims=(1,))
    varints = tensor(block(7, varint(5)), name="b", kind=INT64, dims=(1,))
    assert read_graph(write(tmp_path, texts, varints)).initializers == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ((tensor(block(9, b"123")),), r"tensor a: F32 of shape \(2, 3\) takes 24 bytes, .* has 3"),
        ((tensor(),), "takes 24 bytes, but it has 0"),
        ((tensor(RAW, dims=(2**40, 2**40)),), f"takes {4 * 2**80} bytes"),
        ((tensor(RAW, dims=(-1, 6)),), r"dims is \(-1, 6\)"),
        ((tensor(RAW, dims=(1,) * 9),), "expected at most 8 lengths"),
        ((tensor(block(4, b"1234"), block(4, b"1234"), dims=(2,)),), "lie in 2 parts"),
        ((tensor(block(5, b"\1\2"), kind=FLOAT16, dims=(2,)),), "takes 4 bytes, but it has 0"),
        ((tensor(RAW), tensor(RAW)), "initializer a is there twice"),
        ((tensor(RAW, name="a\n"),), r"name b'a\\n' can't be printed"),
        ((block(8, b"\xff") + RAW,), r"name b'\\xff' can't be printed, expected UTF-8"),
        ((tensor(external("none")),), "none can't be read: No such file"),
        ((tensor(external("empty")),), "empty can't be read: it is empty"),
        ((tensor(external("../weights")),), "'../weights', which leads out of"),
        ((tensor(external("/etc/passwd")),), "'/etc/passwd', which leads out of"),
        ((tensor(number(14, 1)),), "names None, expected a path in the directory"),
        ((tensor(external("weights", offset=-1)),), "offset is '-1', expected a number of bytes"),
        ((tensor(external("weights", offset=1)),), "bytes 1 to 25 of weights, but that has 24"),
        ((tensor(external("weights", offset=10**18)),), "but that has 24"),
        ((tensor(external("weights", offzet=0)),), "external data has offzet, expected basepath"),
        (
            (tensor(external("weights")), tensor(external("weights"), name="b")),
            "tensors a and b overlap at byte 0 of weights",
        ),
        ((tensor(external("weights", length=20)),), "takes 24 bytes, but it has 20"),
        ((tensor(external("weights", length="9" * 30)),), "expected a number of bytes"),
    ],
)
def test_a_tensor_that_is_not_whole_is_refused(
    tmp_path: Path, tensors: tuple[bytes, ...], said: str
) -> None:
    (tmp_path / "weights").write_bytes(VALUES.tobytes())
    (tmp_path / "empty").touch()
    path = write(tmp_path, *tensors)
    with pytest.raises(CheckpointError, match=said):
        read_graph(path)
    with pytest.raises(CheckpointError, match=said):
        weight_files(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "model.onnx can't be read: it is empty"),
        (b"{}", "claims 125 bytes|unknown kind|has no end|holds no graph"),
        (number(1, 8), "model.onnx holds no graph; it isn't ONNX or isn't whole"),
        (block(7, b""), "model.onnx holds no graph"),
        (block(7, block(1, node("Relu")) + block(15, b"")), "sparse initializers"),
        (varint(7 << 3 | 2) + varint(2**40), f"claims {2**40} bytes, but 0 are left"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        read_graph(path)
    with pytest.raises(CheckpointError, match=r"x.onnx can't be read: No such file"):
        read_graph(tmp_path / "x.onnx")
