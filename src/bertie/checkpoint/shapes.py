"""The tensors that an encoder uses, and the shapes that its config gives them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bertie.checkpoint.bundle import SCALE
from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.head_forms import WORDS
from bertie.checkpoint.names import split
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.errors import CheckpointError

_IN_LAYER = re.compile(r"encoder\.layer\.(0|[1-9]\d{0,9})\.")


# Axes that are products of other fields.
_FACTORS: Mapping[str, tuple[str, ...]] = {
    "query_width": ("num_attention_heads", "head_size"),
    "key_width": ("num_key_value_heads", "head_size"),
    "relative_rows": ("position_buckets", "max_relative_positions", "max_position_embeddings"),
}


@dataclass(frozen=True)
class Expected:
    """A tensor's canonical name and the fields that size it; several of one axis are multiplied."""

    name: str
    axes: tuple[str | int, ...]


def _module(name: str, axes: tuple[str | int, ...], bias: bool = True) -> Iterator[Expected]:
    """Expect a module's weight and, where it has one, its bias."""
    yield Expected(f"{name}.weight", axes)
    if bias:
        yield Expected(f"{name}.bias", axes[:1])


def _embeddings(config: EncoderConfig) -> Iterator[Expected]:
    """Expect what stands before the first layer."""
    yield Expected(WORDS, ("vocab_size", "embedding_size"))
    if config.learned_positions:
        yield Expected(
            "embeddings.position_embeddings.weight", ("max_position_embeddings", "embedding_size")
        )
    if config.embedding_norm:
        width = "hidden_size" if config.projection_first else "embedding_size"
        yield from _module("embeddings.LayerNorm", (width,), config.norm_bias)
    if config.type_vocab_size:
        yield Expected(
            "embeddings.token_type_embeddings.weight", ("type_vocab_size", "embedding_size")
        )
    if config.projects_embeddings:
        sizes = ("hidden_size", "embedding_size")
        yield from _module("embeddings.projection", sizes, config.projection_bias)


def _shared(config: EncoderConfig) -> Iterator[Expected]:
    """Expect what all layers share, and what stands after the last."""
    if config.relative_attention_num_buckets:
        yield Expected(
            "relative_attention_bias.weight",
            ("relative_attention_num_buckets", "num_attention_heads"),
        )
    if config.disentangled is not None:
        yield Expected("relative_embeddings.weight", ("relative_rows", "hidden_size"))
        if config.norm_rel_ebd == "layer_norm":
            yield from _module("relative_embeddings.LayerNorm", ("hidden_size",))
    if config.convolution is not None:
        sizes = ("hidden_size", "hidden_size", "conv_kernel_size")
        yield from _module("convolution", sizes)
        yield from _module("convolution.LayerNorm", ("hidden_size",))
    if config.final_norm:
        yield from _module("encoder.LayerNorm", ("hidden_size",), config.norm_bias)


def _layer(config: EncoderConfig, number: int) -> Iterator[Expected]:
    """Expect a layer's, by their names within it."""
    hidden, inner = "hidden_size", "intermediate_size"
    query = hidden if config.query_width == config.hidden_size else "query_width"
    key = hidden if config.key_width == config.hidden_size else "key_width"
    before = config.norm_place == "before"
    if before and (number > 0 or config.first_norm):
        yield from _module("attention.LayerNorm", (hidden,), config.norm_bias)
    yield from _module("attention.self.query", (query, hidden), config.query_bias)
    yield from _module("attention.self.key", (key, hidden), config.key_bias)
    yield from _module("attention.self.value", (key, hidden), config.value_bias)
    if config.query_key_norm == "all":
        yield from _module("attention.self.query.LayerNorm", (query,))
        yield from _module("attention.self.key.LayerNorm", (key,))
    places = config.disentangled
    if places is not None and not config.share_att_key:
        if places.content_to_position:
            name, bias = "attention.self.position_key", config.position_key_bias
            yield from _module(name, (query, hidden), bias)
        if places.position_to_content:
            name, bias = "attention.self.position_query", config.position_query_bias
            yield from _module(name, (query, hidden), bias)
    yield from _module("attention.output.dense", (hidden, query), config.attention_output_bias)
    if before:
        yield from _module("intermediate.LayerNorm", (hidden,), config.norm_bias)
    else:
        yield from _module("attention.output.LayerNorm", (hidden,), config.norm_bias)
    if config.residual_norm:
        yield from _module("attention.residual.LayerNorm", (hidden,))
    if config.gated:
        yield from _module("intermediate.gate", (inner, hidden), config.gate_bias)
    yield from _module("intermediate.dense", (inner, hidden), config.intermediate_bias)
    yield from _module("output.dense", (hidden, inner), config.output_bias)
    if not before:
        yield from _module("output.LayerNorm", (hidden,), config.norm_bias)


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
        whole = split(name, checkpoint.config.architecture)
        if whole is not None:
            parts = ", ".join(part.rpartition(".")[2] for part in whole[0].parts)
            yield (
                f"{tensor.file} has {tensor.name}, {tensor.dtype} {tensor.shape}, whose rows can't"
                f" be shared out among {parts}" + (" of each head" if whole[0].by_heads else "")
            )
            return
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
    matrices = [name for name, t in checkpoint.tensors.items() if len(t.shape) == 2]
    nameless = sorted(name for name in matrices if "." not in name)
    if nameless and checkpoint.files[0].suffix == ".onnx":
        yield (
            f"{_weights(checkpoint)} names no module of {len(nameless)} of its matrices, such as"
            f" {nameless[0]}, as exporters do with weights of layers without a bias: give them as"
            " safetensors, or as Bertie exports them"
        )


def _wanted(checkpoint: Checkpoint) -> Iterator[Expected]:
    """Name the encoder's tensors, of those layers that the files have at all."""
    return expected_tensors(checkpoint.config, _layers(checkpoint))


def expected_tensors(config: EncoderConfig, layers: Iterable[int]) -> Iterator[Expected]:
    """Name what an encoder uses, with as many layers as are asked for."""
    yield from _embeddings(config)
    yield from _shared(config)
    for layer in layers:
        for expected in _layer(config, layer):
            yield Expected(f"encoder.layer.{layer}.{expected.name}", expected.axes)


def shape_of(config: EncoderConfig, expected: Expected) -> tuple[int, ...]:
    """Give the shape that a config gives a tensor."""
    return tuple(axis if isinstance(axis, int) else getattr(config, axis) for axis in expected.axes)


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
    shape = shape_of(config, expected)
    named = [axis for axis in expected.axes if isinstance(axis, str)]
    sizes = config.source(*(name for axis in named for name in _FACTORS.get(axis, (axis,))))
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
