"""What layers are made of, as nodes of an ONNX graph: dense layers, norms and activations."""

import math
from collections.abc import Callable, Mapping

from bertie.checkpoint.tensor import Tensor
from bertie.export.onnx_net import Net


def gelu(net: Net, x: str) -> str:
    """x times the normal distribution function at x, by erf."""
    share = net.add("Erf", net.add("Div", x, net.constant(math.sqrt(2))))
    return net.add(
        "Mul",
        net.add("Mul", x, net.add("Add", share, net.constant(1.0))),
        net.constant(0.5),
    )


def gelu_tanh(net: Net, x: str) -> str:
    """The approximation of it by tanh."""
    cubed = net.add("Mul", net.add("Mul", net.add("Mul", x, x), x), net.constant(0.044715))
    inner = net.add("Mul", net.add("Add", x, cubed), net.constant(math.sqrt(2 / math.pi)))
    share = net.add("Add", net.add("Tanh", inner), net.constant(1.0))
    return net.add("Mul", net.add("Mul", x, share), net.constant(0.5))


# The core's word for an activation → what computes it.
FORMS: Mapping[str, Callable[[Net, str], str]] = {
    "identity": lambda net, x: x,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu": lambda net, x: net.add("Relu", x),
    "silu": lambda net, x: net.add("Mul", x, net.add("Sigmoid", x)),
    "tanh": lambda net, x: net.add("Tanh", x),
}


def dense(net: Net, x: str, name: str, weight: Tensor, bias: Tensor | None) -> str:
    """Multiply by a weight of (out, in) and add a bias."""
    with net.scope(name):
        product = net.add("MatMul", x, net.transposed(f"{name}.weight", weight))
        return (
            product if bias is None else net.add("Add", product, net.tensor(f"{name}.bias", bias))
        )


def norm(net: Net, x: str, name: str, gain: Tensor, bias: Tensor | None, epsilon: float) -> str:
    """Normalize along the last axis."""
    with net.scope(name):
        given = [net.tensor(f"{name}.weight", gain)]
        if bias is not None:
            given.append(net.tensor(f"{name}.bias", bias))
        return net.add("LayerNormalization", x, *given, axis=-1, epsilon=epsilon)


def rms_norm(net: Net, x: str, name: str, gain: Tensor, epsilon: float) -> str:
    """Scale to a mean square of 1 along the last axis; the standard has it from opset 23 on."""
    with net.scope(name):
        square = net.add("ReduceMean", net.add("Mul", x, x), axes=[-1], keepdims=1)
        deviation = net.add("Sqrt", net.add("Add", square, net.constant(epsilon)))
        return net.add("Mul", net.add("Div", x, deviation), net.tensor(f"{name}.weight", gain))
