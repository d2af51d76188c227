"""The encoder: a packed batch of token ids to hidden states, in the compiled core.

This is the seam where another engine plugs in: whatever has `forward` can stand here.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie import _core
from bertie.arguments import check_threads
from bertie.checkpoint.config import ACTIVATIONS, EncoderConfig, Setting
from bertie.checkpoint.shapes import expected_tensors, shape_of
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError, KernelWarning

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

PRECISIONS = ("float32", "bfloat16", "int8")

# Bytes of a token's ids and places.
_TOKEN_BYTES = 64

# Bytes of an embedding table that is mapped as a whole, not as far as texts need it, so that memory
# doesn't grow with every new word. Larger ones are of many languages; texts need little of them.
_LARGEST_FETCHED = 128 << 20

# What the core reads as it packs; other dtypes are turned into float32 first.
_CORE_DTYPES = ("F32", "F16", "BF16", "I8")

LAST = (-1,)


@dataclass(frozen=True, eq=False)
class Recipe:
    """What the encoder's matrix products compute in; everything between them is float32.

    Attributes:
        precision: one of PRECISIONS.
        smoothing: for int8, by the product's name, what its input channels are divided by.
    """

    precision: str = "float32"
    smoothing: Mapping[str, Floats] = field(default_factory=dict)


def quantize_weight(
    weight: Floats, smoothing: Floats | None = None
) -> tuple[NDArray[np.int8], Floats]:
    """Round a weight to bytes, as the core does when it packs one for int8.

    Args:
        weight: (out, in) float32.
        smoothing: (in,) float32, what the product's input channels are divided by, and the
            weights multiplied; None: nothing.
    Returns: (out, in) int8, the largest of each row 127; (out,) float32, what a byte of 1 stands
        for in each row. The same on every CPU.
    Raises: InputError: a smoothing of another width.
    """
    given = None if smoothing is None else np.ascontiguousarray(smoothing, np.float32)
    return _core.quantize_weight(np.ascontiguousarray(weight, np.float32), given)


def selected_isa() -> str:
    """Name the instruction set that the next encoder will use."""
    # A name that the core doesn't know it refuses then.
    return os.environ.get("BERTIE_ISA") or _core.fastest_isa()


def bfloat16_speed(isa: str) -> str:
    """Say how an instruction set multiplies bfloat16 on this CPU.

    Returns: "faster" or "slower" than float32; "none" where it doesn't, and the same results are
        computed in float32.
    """
    return _core.bfloat16_speed(isa, *_core.cpu_design())


def auto_precision() -> Setting:
    """Find the fastest precision that stays true to float32, and why.

    Returns: "bfloat16" where the selected instruction set multiplies it faster, else "float32".
    """
    isa, (vendor, number) = selected_isa(), _core.cpu_design()
    speed = bfloat16_speed(isa)
    if speed == "none":
        return Setting("float32", f"auto: {isa} has no native bfloat16")
    family = f" on {vendor} family {number}" if vendor else ""
    return Setting(
        "bfloat16" if speed == "faster" else "float32",
        f"auto: {isa} multiplies bfloat16 {speed} than float32{family}",
    )


class Encoder:
    """BERT's encoder, and those of its kin, over packed sequences, without padding.

    A sequence's hidden states are the same to the last bit whatever else is in the batch, in
    whatever order, with however many threads. Safe to share between Python threads; releases the
    GIL while it runs.

    Source: Devlin et al., BERT, arXiv:1810.04805.
    """

    def __init__(
        self,
        config: EncoderConfig,
        tensors: Mapping[str, Tensor],
        *,
        threads: int | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        """Pack the weights for this CPU.

        Args:
            config: the encoder's sizes.
            tensors: by canonical name, all that the encoder uses; the embedding tables are not
                copied, so the mapped files stay mapped. For int8 a layer's weight may be I8 with
                its scales, F32 (out,), under its name and "_scale": what quantize_weight makes.
            threads: at most this many cores at a time; None takes all that the process may use.
            recipe: what to compute in; None is float32.
        Raises: CheckpointError: a tensor is missing or misshapen, or I8 where that can't be.
        Raises: InputError: threads below 1, an unknown precision, or BERTIE_ISA names an ISA that
            can't run here.
        """
        check_threads(threads)
        # The core takes a model for what its tensors make it: without a bias it would add none.
        for expected in expected_tensors(config, sorted(set(config.layer_weights))):
            if expected.name not in tensors:
                raise CheckpointError(
                    f"tensor {expected.name} is missing, expected {shape_of(config, expected)}"
                )
        if wrong := _core.wrong_isas():
            warnings.warn(
                f"{', '.join(wrong)} computes wrongly on this CPU, {_core.cpu_name()!r}, and"
                f" {selected_isa()} is used instead; please report this with what 'bertie env'"
                " says",
                KernelWarning,
                stacklevel=2,
            )
        self.config = config
        self.recipe = recipe or Recipe()
        self._core = _core.Encoder(
            _core_config(config),
            {name: _core_tensor(tensor) for name, tensor in tensors.items()},
            threads or _core.available_cores(),
            self.recipe.precision,
            self.recipe.precision,
            {name: values.tolist() for name, values in self.recipe.smoothing.items()},
        )
        # The core has the layers in its own form now; it goes on reading the embedding tables.
        for name, tensor in tensors.items():
            if not name.startswith("embeddings."):
                tensor.forget()
            elif tensor.data.size <= _LARGEST_FETCHED:
                tensor.fetch()

    @property
    def precision(self) -> str:
        """What the matrix products compute in, one of PRECISIONS."""
        return self.recipe.precision

    @property
    def threads(self) -> int:
        """The most cores that one call uses."""
        return self._core.threads

    @property
    def isa(self) -> str:
        """The instruction set of the kernels in use: avx512bf16, avx2, neon, scalar, …"""
        return self._core.isa

    def forward(
        self,
        ids: Ints,
        type_ids: Ints,
        lengths: Ints,
        layers: Sequence[int] = LAST,
        *,
        attended: Ints | None = None,
    ) -> Floats:
        """Compute hidden states, of as many layers as that needs.

        Args:
            ids: (tokens,) int32, sequences one after another.
            type_ids: (tokens,) int32, each token's segment; ignored by models that know fewer
                than two.
            lengths: (batch,) int32, tokens in each sequence, at least 1.
            layers: which hidden states: 0 the embeddings', n those after the n-th pass through a
                layer; negative ones count from the end.
            attended: (batch,) int32, how many of a sequence's tokens, the first ones, all of them
                attend to; None: to all.
        Returns: (tokens, layers x hidden_size) float32, those of each layer side by side.
        Raises: InputError: lengths that don't add up, ids or type ids beyond the model's tables,
            a sequence longer than its positions, a layer that it doesn't have, attended tokens
            that a sequence doesn't have.
        """
        return self._core.forward(ids, type_ids, lengths, list(layers), attended)

    def forward_pooled(
        self,
        ids: Ints,
        type_ids: Ints,
        lengths: Ints,
        modes: Sequence[str],
        *,
        layers: Sequence[int] = LAST,
        skip: Ints | None = None,
    ) -> Floats:
        """Compute one vector a sequence, pooled by the threads that have just computed it.

        Args:
            ids, type_ids, lengths, layers: as in forward.
            modes: keys of bertie.engine.pooling.POOLINGS.
            skip: (batch,) int32, leading tokens of each sequence that pooling leaves out, as those
                functions do; None: none.
        Returns: (batch, layers x modes x hidden_size) float32, not normalized: the poolings side
            by side, first all of the first layer.
        Raises: InputError: as forward; another mode, or none; a skip below 0 or of another length.
        """
        return self._core.forward_pooled(ids, type_ids, lengths, list(modes), list(layers), skip)

    def memory(self, longest: int) -> tuple[int, int]:
        """Bound what a forward pass takes beside the weights.

        Args:
            longest: the most tokens of a sequence.
        Returns: bytes that any pass takes, and bytes that each token of it takes.
        """
        return self._core.memory(longest), _TOKEN_BYTES

    def observe(self, ids: Ints, type_ids: Ints, lengths: Ints) -> dict[str, Floats]:
        """Find how large the inputs of each matrix product get, on one thread.

        Args, Raises: as forward.
        Returns: (channels,) float32, the largest magnitude of each input channel in the batch, by
            the product's name as Recipe.smoothing knows it.
        """
        found = self._core.observe(ids, type_ids, lengths)
        return {name: np.array(values, np.float32) for name, values in found.items()}


class Linear:
    """A dense layer in the core: a row's result never depends on the other rows.

    NumPy's own matrix product gives that no promise: its BLAS picks other loops for other shapes.
    """

    def __init__(
        self,
        weight: Floats,
        bias: Floats | None = None,
        activation: str = "identity",
        *,
        threads: int = 1,
        precision: str = "float32",
    ) -> None:
        """Pack a layer.

        Args:
            weight: (out, in) float32.
            bias: (out,) float32, or None.
            activation: identity, gelu, gelu_tanh, relu, tanh or silu.
            threads: at most this many cores at a time.
            precision: one of PRECISIONS.
        Raises: InputError: shapes that don't fit, another activation or precision.
        """
        contiguous = None if bias is None else np.ascontiguousarray(bias, np.float32)
        packed = np.ascontiguousarray(weight, np.float32)
        self._core = _core.Linear(packed, contiguous, activation, threads, precision)

    def __call__(self, x: Floats) -> Floats:
        """Map (rows, in) float32 to (rows, out) float32; InputError for another width."""
        return self._core(np.ascontiguousarray(x, np.float32))

    def maximum(self, x: Floats, lengths: Ints) -> Floats:
        """Find the largest of each output over each sequence, without keeping those of its tokens.

        It is NaN where one of them is.

        Args:
            x: (tokens, in) float32, sequences one after another.
            lengths: (batch,) int32, tokens in each sequence, at least 1.
        Returns: (batch, out) float32.
        Raises: InputError: another width, lengths that don't add up.
        """
        return self._core.maximum(np.ascontiguousarray(x, np.float32), lengths)


def _core_config(config: EncoderConfig) -> dict[str, Any]:
    """Give the core's names and kinds: an activation is its form there, not a config's alias."""
    same = (
        "vocab_size",
        "embedding_size",
        "hidden_size",
        "num_attention_heads",
        "num_key_value_heads",
        "head_size",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_weights",
        "position_padding",
        "relative_attention_num_buckets",
        "layer_norm_eps",
        "embedding_scale",
        "projection_first",
        "norm",
        "norm_offset",
        "norm_place",
        "query_key_norm",
        "attention_scale",
        "alibi",
    )
    values = {name: getattr(config, name) for name in same}
    records = {name: getattr(config, name) for name in ("disentangled", "convolution")}
    return {
        **values,
        **{name: record and vars(record) for name, record in records.items()},
        "rotary": [vars(kind) for kind in config.rotary],
        "attention_layers": [astuple(layer) for layer in config.attention_layers],
        "hidden_act": ACTIVATIONS[config.hidden_act],
    }


def _core_tensor(tensor: Tensor) -> tuple[NDArray[np.uint8], str, tuple[int, ...], bool]:
    """Hand a tensor over as bytes, dtype, shape, and whether it lies column after column."""
    by_columns = len(tensor.shape) == 2 and tensor.strides == (1, tensor.shape[0])
    as_it_lies = tensor.strides is None or (by_columns and tensor.dtype != "I8")
    if tensor.dtype in _CORE_DTYPES and as_it_lies:
        return tensor.data, tensor.dtype, tensor.shape, by_columns
    converted = np.ascontiguousarray(tensor.float32())
    return converted.reshape(-1).view(np.uint8), "F32", tensor.shape, False
