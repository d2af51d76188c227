"""sentence-transformers' dense modules: a layer that follows pooling."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.files import read_flag, read_object, require_positive
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.checkpoint.weights import read_weights, weight_files
from bertie.errors import CheckpointError

# A class of torch.nn, by the last part of its name → the core's word for it.
_ACTIVATIONS: Mapping[str, str] = {
    "Identity": "identity",
    "Tanh": "tanh",
    "ReLU": "relu",
    "GELU": "gelu",
}


@dataclass(frozen=True, eq=False)
class Dense:
    """A dense layer and its activation.

    Attributes:
        inputs: width of what comes in.
        outputs: width of what goes out.
        activation: identity, tanh, relu or gelu.
        weight: (outputs, inputs).
        bias: (outputs,), or None.
        where: the module's config in messages.
    """

    inputs: int
    outputs: int
    activation: str
    weight: Tensor
    bias: Tensor | None
    where: str


def read_dense(directory: Path, where: str) -> Dense:
    """Read a dense module.

    Args:
        directory: the module's.
        where: what messages call its config.
    Raises: SourceError: it has no weights.
    Raises: CheckpointError: weights that can't be read, an activation or option that isn't
        supported, or tensors that don't fit the config, all of them listed.
    """
    raw = read_object(directory / "config.json", where)
    inputs, outputs = (
        require_positive(raw.get(key), f"{where}: {key}", "a number above 0")
        for key in ("in_features", "out_features")
    )
    bias = read_flag(raw, "bias", where, default=True)
    expected: dict[str, tuple[int, ...]] = {"linear.weight": (outputs, inputs)}
    if bias:
        expected["linear.bias"] = (outputs,)
    tensors = _read_tensors(directory, where, expected)
    return Dense(
        inputs,
        outputs,
        _activation(raw, where),
        tensors["linear.weight"],
        tensors.get("linear.bias"),
        where,
    )


def _activation(raw: Mapping[str, Any], where: str) -> str:
    """Find the activation by the name of its torch class; without one it is tanh."""
    stated = raw.get("activation_function", "torch.nn.modules.activation.Tanh")
    name = stated.rpartition(".")[2] if isinstance(stated, str) else ""
    if name not in _ACTIVATIONS or not stated.startswith("torch.nn."):
        raise CheckpointError(
            f"{where}: activation_function {shown(stated)} is not supported;"
            f" supported: torch.nn's {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[name]


def _read_tensors(
    directory: Path, where: str, expected: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """Map the module's tensors and check their shapes and types."""
    tensors = read_weights(directory)
    errors = []
    for name, shape in expected.items():
        if name not in tensors:
            errors.append(f"tensor {name} missing, expected {shape} from {where}")
        elif tensors[name].shape != shape:
            errors.append(f"tensor {name} is {tensors[name].shape}, expected {shape} from {where}")
        elif tensors[name].dtype not in FLOAT_DTYPES:
            errors.append(
                f"tensor {name} is {tensors[name].dtype}, expected one of {', '.join(FLOAT_DTYPES)}"
            )
    if errors:
        file = weight_files(directory)[0].name
        raise CheckpointError(f"{directory.name}/{file}: " + "; ".join(errors))
    return {name: tensors[name] for name in expected}
