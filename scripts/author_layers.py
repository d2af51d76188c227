"""Layers of encoders in NumPy, for scripts/author_models.py, and what their tensors are.

Nothing here is Bertie's. One sequence at a time, float64; angles are float32, as in the authors'
code, so that they agree with theirs after thousands of tokens.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Config = Mapping[str, Any]
Shapes = dict[str, tuple[int, ...]]

LABELS = {"sequence_classification": 3, "token_classification": 5, "question_answering": 2}


class Weights(dict[str, Array]):
    """Tensors by name, and what is done with them."""

    def dense(self, x: Array, name: str) -> Array:
        """Multiply by a weight of (out, in), and add a bias where there is one."""
        return x @ self[f"{name}.weight"].T + self.get(f"{name}.bias", np.zeros(1))

    def layer_norm(self, x: Array, name: str, epsilon: float) -> Array:
        """Bring rows to mean 0 and variance 1, then scale and shift them."""
        mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        scaled: Array = (x - mean) / np.sqrt(variance + epsilon)
        return scaled * self[f"{name}.weight"] + self[f"{name}.bias"]

    def rms_norm(self, x: Array, name: str, epsilon: float) -> Array:
        """Bring rows to a mean square of 1, then scale them."""
        scale: Array = 1 / np.sqrt(np.square(x).mean(1, keepdims=True) + epsilon)
        return x * scale * self[f"{name}.weight"]


def gelu(x: Array) -> Array:
    """The exact form."""
    erf: Array = np.array([math.erf(value) for value in x.ravel() / math.sqrt(2)]).reshape(x.shape)
    return x * (1 + erf) / 2


def relu(x: Array) -> Array:
    """Keep what is above 0."""
    return np.where(x > 0, x, 0.0)


def silu(x: Array) -> Array:
    """Weigh by the logistic function."""
    return x / (1 + np.exp(-x))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    **{"gelu": gelu, "geglu": gelu},
    **{"relu": relu, "reglu": relu},
    **{"silu": silu, "swiglu": silu},
}


def heads_of(x: Array, count: int) -> Array:
    """Cut (tokens, width) into (heads, tokens, share)."""
    return np.stack(np.split(x, count, axis=1))


def attend(query: Array, key: Array, value: Array, bias: Array | float = 0.0) -> Array:
    """Let every token read all: (heads, tokens, share) → (tokens, width)."""
    scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[2]) + bias
    weights = np.exp(scores - scores.max(2, keepdims=True))
    return np.concatenate(list(weights / weights.sum(2, keepdims=True) @ value), axis=1)


def frequencies(base: float, dims: int) -> NDArray[np.float32]:
    """What each pair turns by from token to token."""
    powers = (np.arange(0, dims, 2) / np.float32(dims)).astype(np.float32)
    return (1 / np.float32(base) ** powers).astype(np.float32)


def turn(x: Array, steps: NDArray[np.float32], *, neighbours: bool = False) -> Array:
    """Turn pairs of the first numbers of each head, as complex numbers."""
    dims = 2 * len(steps)
    angles = np.outer(np.arange(x.shape[1]).astype(np.float32), steps).astype(np.float64)
    real, imaginary = np.arange(0, dims, 2), np.arange(1, dims, 2)
    if not neighbours:
        real, imaginary = np.arange(dims // 2), np.arange(dims // 2, dims)
    turned = (x[:, :, real] + 1j * x[:, :, imaginary]) * np.exp(1j * angles)
    out = x.copy()
    out[:, :, real], out[:, :, imaginary] = turned.real, turned.imag
    return out


def dense_shapes(name: str, outputs: int, inputs: int, *, bias: bool = True) -> Iterator[Any]:
    """Describe a dense layer."""
    yield f"{name}.weight", (outputs, inputs)
    if bias:
        yield f"{name}.bias", (outputs,)


def norm_shapes(width: int, *names: str, bias: bool = True) -> Iterator[Any]:
    """Describe norms."""
    for name in names:
        yield f"{name}.weight", (width,)
        if bias:
            yield f"{name}.bias", (width,)


def table_shapes(config: Config, width: int) -> Iterator[Any]:
    """Describe the embeddings of words and segments."""
    yield "embeddings.word_embeddings.weight", (config["vocab_size"], width)
    if config["type_vocab_size"]:
        yield "embeddings.token_type_embeddings.weight", (config["type_vocab_size"], width)


def embed(
    config: Config, weights: Weights, ids: Any, types: Any, norm: str, epsilon: float
) -> Array:
    """Look up words and segments, and normalize their sum."""
    x = weights["embeddings.word_embeddings.weight"][ids]
    if config["type_vocab_size"]:
        x = x + weights["embeddings.token_type_embeddings.weight"][types]
    return weights.layer_norm(x, norm, epsilon)


def bert_heads(width: int, words: int, norm: str, *, bias: str = "bias") -> dict[str, Shapes]:
    """Describe the heads that others have from BERT; a decoder's weight is the words'.

    Args:
        width: of a hidden state.
        words: rows of the table of words.
        norm: what the norm of the head for masked words is called.
        bias: what that head's last bias is called; "": its dense layers have none.
    """
    lm = "cls.predictions"
    pooler = dict(dense_shapes("pooler.dense", width, width))
    decoder: Shapes = {f"{lm}.{bias}": (words,)} if bias else {}
    return {
        "pooler": pooler,
        "sequence_classification": {**pooler, **dict(dense_shapes("classifier", 3, width))},
        "token_classification": dict(dense_shapes("classifier", 5, width)),
        "question_answering": dict(dense_shapes("qa_outputs", 2, width)),
        "masked_lm": {
            **dict(dense_shapes(f"{lm}.transform.dense", width, width, bias=bool(bias))),
            **dict(norm_shapes(width, f"{lm}.transform.{norm}")),
            **decoder,
        },
    }


def bert_logits(
    kind: str, weights: Weights, last: Array, act: Callable[[Array], Array], norm: str, eps: float
) -> Array:
    """Run one of them."""
    if kind in ("pooler", "sequence_classification"):
        pooled = np.tanh(weights.dense(last[:1], "pooler.dense"))
        return pooled if kind == "pooler" else weights.dense(pooled, "classifier")
    if kind != "masked_lm":
        name = "qa_outputs" if kind == "question_answering" else "classifier"
        return weights.dense(last, name)
    lm = "cls.predictions"
    x = act(weights.dense(last, f"{lm}.transform.dense"))
    x = weights.layer_norm(x, f"{lm}.transform.{norm}", eps)
    words, none = weights["embeddings.word_embeddings.weight"], np.zeros(1)
    return x @ words.T + weights.get(f"{lm}.bias", weights.get(f"{lm}.decoder.bias", none))
