"""Settings and the one record that every config.json and bert_config.json becomes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.architecture import Architecture
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.attention import AttentionLayer, Convolution, Disentangled, Rotary
from bertie.checkpoint.fields import ACTIVATIONS, FIELDS, MOST_DISTANCES
from bertie.checkpoint.modern_architectures import FULL, SLIDING
from bertie.checkpoint.rope_parameters import read_parameters
from bertie.checkpoint.settings import (
    STATED,
    Setting,
    find_architecture,
    find_layer_weights,
    read_field,
    read_layer_types,
    require_sizes,
    two_thirds,
)
from bertie.errors import CheckpointError, InputError
from bertie.known import MODEL_CONFIG, check

__all__ = ["ACTIVATIONS", "MODEL_TYPES", "EncoderConfig", "Setting"]

_NAMES = ", ".join(ACTIVATIONS)

MODEL_TYPES = tuple(ARCHITECTURES)


@dataclass(frozen=True)
class EncoderConfig:
    """What an encoder is made of; the names are config.json's own.

    Attributes:
        model_type: the architecture, one of MODEL_TYPES.
        vocab_size: rows of the word embeddings.
        hidden_size: width of a hidden state.
        num_hidden_layers: passes through a transformer layer.
        num_attention_heads: heads of each layer; hidden_size is a multiple of it.
        intermediate_size: width between the two feed-forward layers.
        max_position_embeddings: rows of the position embeddings.
        type_vocab_size: kinds of segment, usually two; 0 where tokens have no segment, and type
            ids are then ignored.
        hidden_act: the feed-forward activation, a key of ACTIVATIONS.
        layer_norm_eps: what layer normalization adds to the variance.
        embedding_size: width of the embedding tables; where it isn't hidden_size, a dense layer
            projects the embeddings to that.
        layer_weights: for each pass the number of the layer whose weights it uses: 0, 1, 2, …, but
            where passes share weights.
        position_padding: the id of the padding token where positions count from it, as RoBERTa's
            do: the first token's is position_padding + 1, and a padding token's is
            position_padding. None where they count from 0.
        relative_attention_num_buckets: kinds of distance that the attention scores know, as
            MPNet's do; 0 where they know none.
        head_size: numbers of a head's queries, keys and values.
        num_key_value_heads: heads of keys and values, of which each serves as many of queries.
        learned_positions: whether a table of embeddings says where a token stands.
        embedding_norm: whether a norm follows the embeddings.
        projection_first: whether their projection stands before that norm.
        norm: "layer_norm", or "rms_norm", which doesn't shift.
        norm_place: "after", on the sum of a block's input and output, or "before" the block.
        first_norm: of norms before blocks, whether the first layer's attention has one.
        final_norm: whether a norm follows the last layer.
        gated: whether a product with an activation gates the first feed-forward layer.
        query_key_norm: "none", or "all": a layer norm over all queries, and one over all keys.
        residual_norm: whether attention's input is added a second time, to the norm after it, with
            one more norm over the sum.
        alibi: whether scores fall with the distance, by another slope for each head.
        local_attention: where layers are of several kinds, the tokens that those of
            sliding_attention see, half of them on each side.
        layer_types: where layers are of several kinds, that of each.
        rope_parameters: by kind of layer, how queries and keys are turned; empty: they aren't.
        relative_attention, position_buckets, max_relative_positions, pos_att_type, share_att_key,
            norm_rel_ebd: DeBERTa's attention to distances.
        conv_kernel_size, conv_act: its largest models' convolution; 0: there is none.
        *_bias: whether that dense layer, or norm, has one.
        origins: where each field came from, by name; fields that the architecture doesn't know
            have none.
    """

    model_type: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str
    layer_norm_eps: float
    embedding_size: int
    layer_weights: tuple[int, ...]
    position_padding: int | None = None
    relative_attention_num_buckets: int = 0
    head_size: int = 0
    num_key_value_heads: int = 0
    learned_positions: bool = True
    embedding_norm: bool = True
    projection_first: bool = False
    norm: str = "layer_norm"
    norm_place: str = "after"
    first_norm: bool = True
    final_norm: bool = False
    gated: bool = False
    query_key_norm: str = "none"
    residual_norm: bool = False
    alibi: bool = False
    local_attention: int = 0
    layer_types: tuple[str, ...] = ()
    rope_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    relative_attention: bool = False
    position_buckets: int = 0
    max_relative_positions: int = 0
    pos_att_type: tuple[str, ...] = ()
    share_att_key: bool = False
    norm_rel_ebd: str = "none"
    conv_kernel_size: int = 0
    conv_act: str = "tanh"
    query_bias: bool = True
    key_bias: bool = True
    value_bias: bool = True
    attention_output_bias: bool = True
    position_key_bias: bool = True
    position_query_bias: bool = True
    gate_bias: bool = True
    intermediate_bias: bool = True
    output_bias: bool = True
    projection_bias: bool = True
    norm_bias: bool = True
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    # Of no architecture yet.
    embedding_scale = 1.0
    norm_offset = 0.0

    def __post_init__(self) -> None:
        """Give fields that follow from others their values."""
        heads = self.num_attention_heads
        if not self.head_size:
            object.__setattr__(self, "head_size", self.hidden_size // heads)
        if not self.num_key_value_heads:
            object.__setattr__(self, "num_key_value_heads", heads)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what an earlier version has pickled, whose configs knew fewer fields."""
        self.__dict__.update({"rope_parameters": {}, **state})
        self.__post_init__()

    @classmethod
    def from_dict(
        cls, raw: Mapping[str, Any], *, where: str, activation: str | None = None
    ) -> "EncoderConfig":
        """Read and check a config.

        Args:
            raw: the JSON object.
            where: the file's name, for messages and origins.
            activation: the caller's word for hidden_act, instead of the file's.
        Raises: CheckpointError: an unsupported architecture or option, or a value that can't be.
        Raises: InputError: an activation that isn't in ACTIVATIONS.
        """
        architecture, origin = find_architecture(raw, where)
        check(MODEL_CONFIG, raw, where, where=architecture.model_type)
        require_sizes(raw, architecture, where)
        settings = {"model_type": Setting(architecture.model_type, origin)}
        if activation is not None:
            if activation not in ACTIVATIONS:
                raise InputError(f"activation is {shown(activation)}, expected one of: {_NAMES}")
            settings["hidden_act"] = Setting(activation, "caller")
        for name in FIELDS:
            if name not in settings and (architecture.reads(name) or name in STATED):
                settings[name] = read_field(name, raw, architecture, where)
        for name, other in architecture.same.items():
            settings[name] = settings[other]
        if settings["embedding_size"].value is None:
            settings["embedding_size"] = settings["hidden_size"]
        if architecture.two_thirds_of:
            settings["intermediate_size"] = two_thirds(settings["intermediate_size"], architecture)
        settings["layer_weights"] = find_layer_weights(settings, where)
        passes = len(settings["layer_weights"].value)
        settings["num_hidden_layers"] = replace(settings["num_hidden_layers"], value=passes)
        if architecture.layer_types:
            settings["layer_types"] = read_layer_types(raw, passes, where)
        if architecture.rotary is not None:
            positions = settings["max_position_embeddings"].value
            read, key = read_parameters(raw, architecture.rotary, positions, where)
            settings["rope_parameters"] = Setting(read, f"{where}: {key}")
        for name in ("num_hidden_groups", "inner_group_num"):
            del settings[name]
        config = cls(
            **{name: one.value for name, one in settings.items() if one.value is not None},
            origins={name: one.origin for name, one in settings.items()},
        )
        config._check_heads(where)
        config._check_positions(where)
        config._check_distances(where)
        return config

    def decided_by(self, names: Collection[str]) -> "EncoderConfig":
        """Settle the fields that the tensors decide.

        Args:
            names: the tensors', canonical.
        """
        found = {
            name: value
            for name, (tensor, value) in self.architecture.present.items()
            if tensor in names
        }
        if not found:
            return self
        origins = {**self.origins, **dict.fromkeys(found, "the tensors' names")}
        return replace(self, **found, origins=origins)

    @property
    def architecture(self) -> Architecture:
        """What its architecture does differently from the others."""
        return ARCHITECTURES[self.model_type]

    @property
    def projects_embeddings(self) -> bool:
        """Whether a dense layer stands between the embeddings and the first layer."""
        return self.architecture.always_projects or self.embedding_size != self.hidden_size

    @property
    def positions(self) -> int:
        """The most tokens in one sequence."""
        if self.position_padding is None:
            return self.max_position_embeddings
        return self.max_position_embeddings - (self.position_padding + 1)

    @property
    def query_width(self) -> int:
        """Numbers of a token's queries, all heads together."""
        return self.num_attention_heads * self.head_size

    @property
    def key_width(self) -> int:
        """Numbers of a token's keys, and of its values."""
        return self.num_key_value_heads * self.head_size

    @property
    def attention_scale(self) -> float:
        """What scores are multiplied by: one part for each of those that are added up."""
        import numpy as np  # here, as below, because reading a config has no need of it

        parts = np.float32(1 + len(self.pos_att_type))
        return float(np.float32(1) / np.sqrt(np.float32(self.head_size) * parts))

    @cached_property
    def rotary(self) -> tuple[Rotary, ...]:
        """How queries and keys are turned, for each kind of layer that there is."""
        from bertie.checkpoint.places import rotary

        return tuple(
            rotary(parameters, self.head_size) for parameters in self.rope_parameters.values()
        )

    @cached_property
    def attention_layers(self) -> tuple[AttentionLayer, ...]:
        """What the attention of each pass is like."""
        kinds = tuple(self.rope_parameters)
        half = self.local_attention // 2
        return tuple(
            AttentionLayer(
                kinds.index(kind) if kinds else None,
                half if kind == SLIDING else None,
                half if kind == SLIDING else None,
            )
            for kind in self.layer_types or (FULL,) * self.num_hidden_layers
        )

    @cached_property
    def disentangled(self) -> Disentangled | None:
        """How scores know distances, in DeBERTa."""
        if not (self.relative_attention and self.pos_att_type):
            return None
        from bertie.checkpoint.places import distance_rows

        largest = self._largest_distance
        span = self.position_buckets if self.position_buckets > 0 else largest
        return Disentangled(
            span,
            distance_rows(self.positions, span, self.position_buckets, largest),
            "c2p" in self.pos_att_type,
            "p2c" in self.pos_att_type,
        )

    @property
    def _largest_distance(self) -> int:
        """The distance from which on DeBERTa's share a row."""
        stated = self.max_relative_positions
        return stated if stated > 0 else self.max_position_embeddings

    @property
    def relative_rows(self) -> int:
        """Rows of DeBERTa's table of relative embeddings."""
        return 0 if self.disentangled is None else 2 * self.disentangled.span

    @property
    def convolution(self) -> Convolution | None:
        """What is added to the first layer's output, in DeBERTa's largest models."""
        if not self.conv_kernel_size:
            return None
        return Convolution(self.conv_kernel_size, self.conv_act)

    def _check_heads(self, where: str) -> None:
        """Refuse heads that don't share the hidden size, or each other, out evenly."""
        heads, keys = self.num_attention_heads, self.num_key_value_heads
        if not self.origins.get("head_size", "default").endswith("head_dim") and (
            self.hidden_size % heads
        ):
            raise CheckpointError(
                f"{where}: hidden_size {self.hidden_size} is not a multiple of"
                f" num_attention_heads {heads}"
            )
        if heads % keys:
            raise CheckpointError(
                f"{where}: num_attention_heads {heads} is not a multiple of num_key_value_heads"
                f" {keys}"
            )
        if self.conv_kernel_size and self.conv_kernel_size % 2 == 0:
            raise CheckpointError(
                f"{where}: conv_kernel_size is {self.conv_kernel_size}, expected an odd number"
            )
        for parameters in self.rope_parameters.values():
            turned = int(self.head_size * parameters["fraction"])
            if turned < 2 or turned % 2 or turned > self.head_size:
                raise CheckpointError(
                    f"{where}: of each head's {self.head_size} numbers {turned} are to be turned by"
                    f" rotary embeddings, expected an even number from 2 to {self.head_size}"
                )
            if parameters["rope_type"] == "dynamic" and turned < 4:
                # The larger base's exponent is turned / (turned - 2).
                raise CheckpointError(
                    f"{where}: of each head's {self.head_size} numbers {turned} are to be turned by"
                    " rotary embeddings of type dynamic, expected at least 4"
                )

    def _check_positions(self, where: str) -> None:
        """Refuse a padding token that leaves no positions."""
        if self.positions < 1:
            raise CheckpointError(
                f"{where}: max_position_embeddings {self.max_position_embeddings} leaves no"
                f" positions after {self.position_padding},"
                f" the padding token's ({self.source('position_padding')})"
            )

    def _check_distances(self, where: str) -> None:
        """Refuse more distances than there is memory for, and buckets that can't grow."""
        if not (self.relative_attention and self.pos_att_type):
            return
        if self.positions > MOST_DISTANCES:
            raise CheckpointError(
                f"{where}: max_position_embeddings is {self.max_position_embeddings}, expected at"
                f" most {MOST_DISTANCES} where relative_attention knows distances"
            )
        single, largest = self.position_buckets // 2, self._largest_distance
        if self.position_buckets > 0 and (
            single < 1 or (self.positions - 1 > single and largest - 1 <= single)
        ):
            raise CheckpointError(
                f"{where}: position_buckets is {self.position_buckets} for distances up to"
                f" {largest}, expected 2 or more of which half are fewer than those distances"
            )

    def setting(self, name: str) -> Setting:
        """Give one field together with where it came from."""
        return Setting(getattr(self, name), self.origins.get(name, "caller"))

    def source(self, *names: str) -> str:
        """Say where fields came from, in the words of an error message."""
        by_place: dict[str, dict[str, None]] = {}
        for name in names:
            place, colon, key = self.origins.get(name, "caller").partition(": ")
            listed = by_place.setdefault(f"in {place}" if colon else f"by {place}", {})
            listed[key or name] = None
        return ", ".join(f"{' and '.join(keys)} {place}" for place, keys in by_place.items())
