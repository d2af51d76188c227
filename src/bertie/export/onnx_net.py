"""An ONNX graph being built: nodes one after another, and the weights that they use.

The `onnx` package makes the nodes; weights stay where they are until the file is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.onnx_graph import TRANSPOSED
from bertie.checkpoint.tensor import Tensor
from bertie.errors import ExtraMissing

if TYPE_CHECKING:
    import onnx

# LayerNormalization is standard from 17 on; engines of the last years take it.
OPSET = 17
IR_VERSION = 8

FLOAT, INT64, DOUBLE = 1, 7, 11  # TensorProto.DataType
_BY_DTYPE = {"float32": FLOAT, "int64": INT64, "float64": DOUBLE}


@dataclass(frozen=True, eq=False)
class Weight:
    """An initializer to be.

    Attributes:
        name: in the graph.
        shape: the length of each axis.
        dtype: FLOAT, INT64 or DOUBLE.
        values: gives them, C-contiguous; called when they are written.
        forget: gives their memory back.
    """

    name: str
    shape: tuple[int, ...]
    dtype: int
    values: Callable[[], NDArray[Any]]
    forget: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """Bytes that the values take."""
        return int(np.prod(self.shape, dtype=np.int64)) * (4 if self.dtype == FLOAT else 8)


class Net:
    """A graph, growing.

    Attributes:
        nodes: in the order of computation.
        weights: by name, in the order in which they were first used.
    """

    def __init__(self) -> None:
        """Begin with nothing. Raises: ExtraMissing: the onnx package isn't installed."""
        self._onnx = import_onnx()
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, Weight] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._scope: list[str] = []
        self._called: dict[int, str] = {}  # tensors in use as they are, by identity

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Name what is added within after a part of the model."""
        self._scope.append(name)
        yield
        self._scope.pop()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what the caller gives."""
        return tuple(value.name for value in self._inputs)

    def input(self, name: str) -> str:
        """Take int64 (batch, sequence) from the caller."""
        self._inputs.append(self._value(name, INT64, ("batch", "sequence")))
        return name

    def output(self, value: str, name: str, shape: tuple[int | str, ...]) -> None:
        """Give a float32 value to the caller."""
        self.nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(self._value(name, FLOAT, shape))

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node. Returns: what its one output is called."""
        name = "/".join(["", *self._scope, f"{op}_{len(self.nodes)}"])
        node = self._onnx.helper.make_node(op, list(inputs), [f"{name}_output"], name, **attributes)
        self.nodes.append(node)
        return f"{name}_output"

    def tensor(self, name: str, tensor: Tensor) -> str:
        """Use a tensor as it is; a second time, it is the same initializer."""
        weight = Weight(name, tensor.shape, FLOAT, tensor.float32, tensor.forget)
        self._called.setdefault(id(tensor), name)
        return self.weights.setdefault(name, weight).name

    def transposed(self, name: str, tensor: Tensor) -> str:
        """Use a dense layer's (out, in) as the second factor of a product, (in, out)."""
        if id(tensor) in self._called:  # a language model's last layer is its word embeddings
            return self.add("Transpose", self._called[id(tensor)], perm=(1, 0))

        def values() -> NDArray[Any]:
            return np.ascontiguousarray(tensor.float32().T)

        # No module can be called like this, so that readers know it for what it is.
        called = f"{name}{TRANSPOSED}"
        weight = Weight(called, tensor.shape[::-1], FLOAT, values, tensor.forget)
        return self.weights.setdefault(called, weight).name

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Use numbers that the graph needs; equal ones are one initializer."""
        array: NDArray[Any] = np.asarray(values, dtype)
        kind = _BY_DTYPE[array.dtype.name]
        text = "_".join(map(str, array.reshape(-1).tolist())) or "none"
        axes = "x".join(map(str, array.shape)) or "number"
        return self.array(f"constant_{array.dtype}_{axes}_{text}"[:200], array, kind)

    def array(self, name: str, array: NDArray[Any], dtype: int) -> str:
        """Use an array as an initializer of that name."""
        weight = Weight(name, array.shape, dtype, lambda: array)
        return self.weights.setdefault(name, weight).name

    def model(self, version: str) -> onnx.ModelProto:
        """Join everything but the weights' values."""
        helper = self._onnx.helper
        graph = helper.make_graph(self.nodes, "bertie", self._inputs, self._outputs)
        model: onnx.ModelProto = helper.make_model(
            graph,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="bertie",
            producer_version=version,
        )
        return model

    def _value(self, name: str, dtype: int, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
        """Describe an input or output."""
        value: onnx.ValueInfoProto = self._onnx.helper.make_tensor_value_info(name, dtype, shape)
        return value


def import_onnx() -> Any:
    """Import the onnx package. Raises: ExtraMissing: it isn't installed."""
    try:
        import onnx.helper
    except ImportError as error:
        raise ExtraMissing(
            "writing ONNX needs the packages onnx and onnxruntime: pip install 'bertie[onnx]'"
        ) from error
    return onnx
