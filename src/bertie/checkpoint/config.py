"""Settings and the one record that every config.json and bert_config.json becomes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.architecture import Architecture
from bertie.checkpoint.architectures import ARCHITECTURES, RELATIVE_BUCKETS
from bertie.errors import CheckpointError, InputError
from bertie.known import MODEL_CONFIG, check

# config.json's name for an activation → the form that computes it. The erf form of GELU is "gelu";
# all others are names of the same tanh approximation, written out in different ways.
ACTIVATIONS: Mapping[str, str] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "relu": "relu",
}

_NAMES = ", ".join(ACTIVATIONS)

MODEL_TYPES = tuple(ARCHITECTURES)

# An architecture class as config.json names it; the other frameworks' have a word before it.
_CLASS = re.compile(r"(?:TF|Flax)?([A-Za-z]+?)(?:Model|LMHeadModel|For\w+)")

_LARGEST_SIZE = 2**31 - 1
# More layers than any model has; each takes a place in layer_weights.
_MOST_LAYERS = 1024


@dataclass(frozen=True)
class Setting:
    """A value and where it came from.

    Attributes:
        value: the value in use.
        origin: a file and its key ("config.json: hidden_act"), "caller" or "default".
    """

    value: Any
    origin: str


@dataclass(frozen=True)
class _Number:
    """What a number may be.

    Attributes:
        kind: int or float.
        least: the smallest whole number.
        most: the largest.
    """

    kind: type = int
    least: int = 1
    most: int = _LARGEST_SIZE


# What is read of a config, by field; None: a key of ACTIVATIONS.
_FIELDS: Mapping[str, _Number | None] = {
    "vocab_size": _Number(),
    "hidden_size": _Number(),
    "num_hidden_layers": _Number(most=_MOST_LAYERS),
    "num_attention_heads": _Number(),
    "intermediate_size": _Number(),
    "max_position_embeddings": _Number(),
    "type_vocab_size": _Number(),
    "hidden_act": None,
    "layer_norm_eps": _Number(float),
    "embedding_size": _Number(),
    "position_padding": _Number(least=0),
    "relative_attention_num_buckets": _Number(least=RELATIVE_BUCKETS, most=RELATIVE_BUCKETS),
    "num_hidden_groups": _Number(most=_MOST_LAYERS),
    "inner_group_num": _Number(most=_MOST_LAYERS),
}


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
        origins: where each field came from, by name.
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
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

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
        architecture, origin = _architecture(raw, where)
        check(MODEL_CONFIG, raw, where, where=architecture.model_type)
        _require_sizes(raw, architecture, where)
        settings = {"model_type": Setting(architecture.model_type, origin)}
        if activation is not None:
            if activation not in ACTIVATIONS:
                raise InputError(f"activation is {shown(activation)}, expected one of: {_NAMES}")
            settings["hidden_act"] = Setting(activation, "caller")
        for name in _FIELDS:
            if name not in settings:
                settings[name] = _read(name, raw, architecture, where)
        for name, other in architecture.same.items():
            settings[name] = settings[other]
        settings["layer_weights"] = _layer_weights(settings, where)
        passes = len(settings["layer_weights"].value)
        settings["num_hidden_layers"] = replace(settings["num_hidden_layers"], value=passes)
        for name in ("num_hidden_groups", "inner_group_num"):
            del settings[name]
        config = cls(
            **{name: setting.value for name, setting in settings.items()},
            origins={name: setting.origin for name, setting in settings.items()},
        )
        config._check_heads(where)
        config._check_positions(where)
        return config

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

    def _check_heads(self, where: str) -> None:
        """Refuse heads that don't share the hidden size out evenly."""
        if self.hidden_size % self.num_attention_heads:
            raise CheckpointError(
                f"{where}: hidden_size {self.hidden_size} is not a multiple of"
                f" num_attention_heads {self.num_attention_heads}"
            )

    def _check_positions(self, where: str) -> None:
        """Refuse a padding token that leaves no positions."""
        if self.positions < 1:
            raise CheckpointError(
                f"{where}: max_position_embeddings {self.max_position_embeddings} leaves no"
                f" positions after {self.position_padding},"
                f" the padding token's ({self.source('position_padding')})"
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


def _architecture(raw: Mapping[str, Any], where: str) -> tuple[Architecture, str]:
    """Find the architecture and where it is stated; refuse those that aren't supported."""
    supported = ", ".join(MODEL_TYPES)
    stated = raw.get("model_type")
    if stated is not None:
        if not isinstance(stated, str) or stated not in ARCHITECTURES:
            raise CheckpointError(
                f"{where}: model_type {shown(stated)} is not supported; supported: {supported}"
            )
        return ARCHITECTURES[stated], f"{where}: model_type"
    classes = raw.get("architectures") or []
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise CheckpointError(
            f"{where}: architectures is {shown(classes)}, expected a list of names"
        )
    if classes:
        match = _CLASS.fullmatch(classes[0])
        for architecture in ARCHITECTURES.values():
            if match is not None and match[1] == architecture.classes:
                return architecture, f"{where}: architectures"
        raise CheckpointError(
            f"{where}: architecture {shown(classes[0])} is not supported; supported: {supported}"
        )
    # BERT's keys are the commonest, so it is tried last.
    for architecture in reversed(list(ARCHITECTURES.values())):
        if architecture.told_by and all(key in raw for key in architecture.told_by):
            name = architecture.model_type
            return architecture, f"{where}: its keys are those of {name}"
    absent = [key for key in ARCHITECTURES["bert"].told_by if key not in raw]
    raise CheckpointError(
        f"{where} has no model_type and isn't BERT's, for it lacks {', '.join(absent)};"
        f" supported: {supported}"
    )


def _keys(name: str, architecture: Architecture) -> tuple[str, ...]:
    """List what a config of this architecture may call a field."""
    return architecture.keys.get(name, (name,))


def _require_sizes(raw: Mapping[str, Any], architecture: Architecture, where: str) -> None:
    """Refuse a config that leaves out what nothing else tells."""
    known = {*architecture.defaults, *architecture.fixed, *architecture.same}
    keys = [_keys(name, architecture) for name in _FIELDS if name not in known]
    missing = [names[0] for names in keys if not any(name in raw for name in names)]
    if missing:
        raise CheckpointError(
            f"{where} lacks {', '.join(missing)};"
            f" a config of {architecture.model_type} states the size of the model"
        )


def _read(name: str, raw: Mapping[str, Any], architecture: Architecture, where: str) -> Setting:
    """Read one field, or take what the architecture has in its stead."""
    if name in architecture.fixed:
        return Setting(architecture.fixed[name], "default")
    if name not in architecture.same:
        for key in _keys(name, architecture):
            if key in raw:
                return Setting(_check(key, raw[key], _FIELDS[name], where), f"{where}: {key}")
    return Setting(architecture.defaults.get(name), "default")


def _check(key: str, value: Any, number: _Number | None, where: str) -> Any:
    """Check one value's type and range."""
    if number is None:
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise CheckpointError(
                f"{where}: {key} {shown(value)} is not supported; supported: {_NAMES}"
            )
        return value
    if isinstance(value, bool) or not isinstance(
        value, int if number.kind is int else (int, float)
    ):
        expected = "a whole number" if number.kind is int else "a number"
        raise CheckpointError(f"{where}: {key} is {shown(value)}, expected {expected}")
    above = value >= number.least if number.kind is int else value > 0
    if not (above and value <= number.most):
        least = f"at least {number.least}" if number.kind is int else "more than 0"
        expected = f"{least} and at most {number.most}"
        if number.least == number.most:
            expected = f"{number.most}, as its architecture computes with"
        raise CheckpointError(f"{where}: {key} is {shown(value)}, expected {expected}")
    return number.kind(value)


def _layer_weights(settings: Mapping[str, Setting], where: str) -> Setting:
    """List whose weights each pass uses: groups of passes share those of their group."""
    layers, groups, inner = (
        settings[name].value
        for name in ("num_hidden_layers", "num_hidden_groups", "inner_group_num")
    )
    if layers % groups:
        raise CheckpointError(
            f"{where}: num_hidden_layers {layers} is not a multiple of num_hidden_groups {groups}"
        )
    share = layers // groups
    weights = (layer // share * inner + own for layer in range(layers) for own in range(inner))
    return Setting(tuple(weights), settings["num_hidden_groups"].origin)
