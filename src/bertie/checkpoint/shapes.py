"""The tensors that an encoder uses, and the shapes that its config gives them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bertie.checkpoint.head_forms import WORDS
from bertie.checkpoint.bundle import SCALE
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.errors import CheckpointError

_IN_LAYER = re.compile(r"encoder\.layer\.(0|[1-9]\d{0,9})\.")


@dataclass(frozen=True)
class Expected:
    """A tensor's canonical name (within its layer, if it has one) and the fields that size it."""

    name: str
    axes: tuple[str, ...]


def _dense(name: str, outputs: str, inputs: str) -> tuple[Expected, ...]:
    """Expect a dense layer's weight and bias."""
    return Expected(f"{name}.weight", (outputs, inputs)), Expected(f"{name}.bias", (outputs,))


def _norm(name: str, size: str) -> tuple[Expected, ...]:
    """Expect a layer norm's weight and bias."""
    return Expected(f"{name}.weight", (size,)), Expected(f"{name}.bias", (size,))


EMBEDDINGS = (
    Expected(WORDS, ("vocab_size", "embedding_size")),
    Expected(
        "embeddings.position_embeddings.weight", ("max_position_embeddings", "embedding_size")
    ),
    *_norm("embeddings.LayerNorm", "embedding_size"),
)
TOKEN_TYPES = (
    Expected("embeddings.token_type_embeddings.weight", ("type_vocab_size", "embedding_size")),
)
PROJECTION = _dense("embeddings.projection", "hidden_size", "embedding_size")
DISTANCES = (
    Expected(
        "relative_attention_bias.weight",
        ("relative_attention_num_buckets", "num_attention_heads"),
    ),
)

LAYER = (
    *_dense("attention.self.query", "hidden_size", "hidden_size"),
    *_dense("attention.self.key", "hidden_size", "hidden_size"),
    *_dense("attention.self.value", "hidden_size", "hidden_size"),
    *_dense("attention.output.dense", "hidden_size", "hidden_size"),
    *_norm("attention.output.LayerNorm", "hidden_size"),
    *_dense("intermediate.dense", "intermediate_size", "hidden_size"),
    *_dense("output.dense", "hidden_size", "intermediate_size"),
    *_norm("output.LayerNorm", "hidden_size"),
)


def encoder_tensors(checkpoint: Checkpoint, *, quantized: bool = False) -> dict[str, Tensor]:
    """Pick the encoder's tensors and check them against the config.

    Args:
        checkpoint: whose tensors to take.
        quantized: whether weights may be bytes that have their scales beside them.
    Returns: every tensor that the encoder uses, by canonical name.
    Raises: CheckpointError: listing each one that is missing, ambiguous, misshapen or of a type
        that is not a float.
    """
    wanted = list(_wanted(checkpoint))
    errors = [error for expected in wanted if (error := _error(checkpoint, expected, quantized))]
    errors += _missing_layers(checkpoint)
    if errors:
        count = "1 tensor" if len(errors) == 1 else f"{len(errors)} tensors"
        lines = ["", *errors, *_misnamed(checkpoint)]
        raise CheckpointError(
            f"{checkpoint.directory}: the encoder can't use {count}:" + "\n  ".join(lines)
        )
    return {expected.name: checkpoint.tensors[expected.name] for expected in wanted}


def _misnamed(checkpoint: Checkpoint) -> Iterator[str]:
    """Say under which other name a tensor is there, if one is, and what to do."""
    for name, tensor in sorted(checkpoint.tensors.items()):
        if ".base_layer." in name or name.startswith("base_model."):
            yield (
                f"{tensor.file} has {tensor.name}, of an adapter that isn't merged: merge it, with"
                " peft: model.merge_and_unload().save_pretrained(directory)"
            )
            return
        if name.endswith(f".{WORDS}"):
            yield (
                f"{tensor.file} has {tensor.name}: save transformers' own model, with"
                " save_pretrained, so that nothing stands before its names"
            )
            return


def _wanted(checkpoint: Checkpoint) -> Iterator[Expected]:
    """Name the encoder's tensors, of those layers that the files have at all."""
    config = checkpoint.config
    yield from EMBEDDINGS
    if config.type_vocab_size:
        yield from TOKEN_TYPES
    if config.projects_embeddings:
        yield from PROJECTION
    if config.relative_attention_num_buckets:
        yield from DISTANCES
    for layer in _layers(checkpoint):
        for expected in LAYER:
            yield Expected(f"encoder.layer.{layer}.{expected.name}", expected.axes)


def _layers(checkpoint: Checkpoint) -> list[int]:
    """List the layers that the files have and the config counts, in order."""
    matches = (_IN_LAYER.match(name) for name in checkpoint.tensors)
    found = {int(match[1]) for match in matches if match}
    return sorted(found & set(checkpoint.config.layer_weights))


def _missing_layers(checkpoint: Checkpoint) -> list[str]:
    """Tell which whole layers the files lack, in runs: a config may claim many."""
    config = checkpoint.config
    count = len(set(config.layer_weights))
    errors = []
    expected = 0
    for layer in [*_layers(checkpoint), count]:
        if layer > expected:
            last = f" to encoder.layer.{layer - 1}" if layer - 1 > expected else ""
            errors.append(
                f"{_weights(checkpoint)}: encoder.layer.{expected}{last} missing,"
                f" expected {count} layer{'s' * (count != 1)} from {config.source('layer_weights')}"
            )
        expected = layer + 1
    return errors


def _error(checkpoint: Checkpoint, expected: Expected, quantized: bool) -> str | None:
    """Say what is wrong with one tensor, if anything is."""
    config = checkpoint.config
    shape = tuple(getattr(config, axis) for axis in expected.axes)
    sizes = config.source(*expected.axes)
    if expected.name not in checkpoint.tensors:
        return (
            f"{_weights(checkpoint)}: tensor {expected.name} missing, expected {shape} from {sizes}"
        )
    tensor = checkpoint.tensors[expected.name]
    if expected.name in checkpoint.ambiguous:
        names = " and ".join(checkpoint.ambiguous[expected.name])
        return f"{tensor.file}: tensors {names} are both {expected.name}, expected one of them"
    if tensor.shape != shape:
        return (
            f"{tensor.file}: tensor {tensor.name} is {tensor.shape}, expected {shape} from {sizes}"
        )
    if quantized and tensor.dtype == "I8":
        scale = checkpoint.tensors.get(expected.name + SCALE)
        if scale is None or (scale.dtype, scale.shape) != ("F32", shape[:1]):
            return f"{tensor.file}: tensor {tensor.name} is I8 without its scales, F32 {shape[:1]}"
    elif tensor.dtype not in FLOAT_DTYPES:
        return (
            f"{tensor.file}: tensor {tensor.name} is {tensor.dtype},"
            f" expected one of {', '.join(FLOAT_DTYPES)}"
        )
    return None


def _weights(checkpoint: Checkpoint) -> str:
    """Name the file that says which tensors there are."""
    return checkpoint.files[0].name
