"""A bundle's tensors as transformers would have them."""

from dataclasses import replace
from pathlib import Path

from bertie.checkpoint.tensor import Tensor
from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.names import is_kernel, model_weights, translate
from bertie.errors import CheckpointError

# How TensorFlow 2 ends the names in checkpoints of objects, which say nothing of the variable.
_OBJECT = "/.ATTRIBUTES/VARIABLE_VALUE"


def read_model(index: Path) -> dict[str, Tensor]:
    """Map the model's weights of a checkpoint; what belongs to training alone isn't touched.

    Args:
        index: the bundle's index.
    Returns: the tensors under transformers' names, kernels turned round by their strides.
    Raises: CheckpointError: as Bundle does; TensorFlow 2's names; two variables that are one.
    """
    bundle = Bundle.read(index)
    chosen = list(model_weights(bundle.entries))
    if any(entry.name.endswith(_OBJECT) for entry in chosen):
        raise CheckpointError(
            f"{index.name} is a checkpoint of TensorFlow 2's objects, whose names don't say which"
            " tensor is which; supported: variables under Google's names, as TensorFlow 1 saves"
            " them. Load it where it was made and save it with transformers"
        )
    tensors = bundle.tensors(entry.name for entry in chosen)
    found: dict[str, Tensor] = {}
    for entry in chosen:
        name, tensor = translate(entry.name), tensors[entry.name]
        if name in found:
            raise CheckpointError(
                f"{index.name}: {found[name].name} and {tensor.name} are both {name},"
                " expected one of them"
            )
        found[name] = transpose(tensor) if is_kernel(entry) else tensor
    return found


def transpose(tensor: Tensor) -> Tensor:
    """Turn a matrix round without touching its data."""
    rows, columns = tensor.shape
    return replace(tensor, shape=(columns, rows), strides=(1, columns))
