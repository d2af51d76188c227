"""Settings and the one record that every config.json and bert_config.json becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as shown
from typing import Any

from bertie.errors import CheckpointError, InputError

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

MODEL_TYPES = ("bert",)

# A config without model_type is BERT's when it has all of these, as Google's bert_config.json has.
_BERT_KEYS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "type_vocab_size",
)

_LARGEST_SIZE = 2**31 - 1


@dataclass(frozen=True)
class Setting:
    """A value and where it came from.

    Attributes:
        value: the value in use.
        origin: a file and its key ("config.json: hidden_act"), "caller" or "default".
    """

    value: Any
    origin: str


# How each field is read.
_FIELDS: Mapping[str, type] = {
    "vocab_size": int,
    "hidden_size": int,
    "num_hidden_layers": int,
    "num_attention_heads": int,
    "intermediate_size": int,
    "max_position_embeddings": int,
    "type_vocab_size": int,
    "hidden_act": str,
    "layer_norm_eps": float,
}

# What old configs leave out; the values are those of transformers' BertConfig.
_DEFAULTS: Mapping[str, Any] = {
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
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
        origins: dict[str, str] = {}
        values: dict[str, Any] = {}
        values["model_type"], origins["model_type"] = _model_type(raw, where)
        _refuse_variants(raw, where)
        if missing := [name for name in _FIELDS if name not in raw and name not in _DEFAULTS]:
            raise CheckpointError(
                f"{where} lacks {', '.join(missing)}; a BERT config states the size of the model"
            )
        for name, kind in _FIELDS.items():
            if name == "hidden_act" and activation is not None:
                if activation not in ACTIVATIONS:
                    raise InputError(
                        f"activation is {shown(activation)}, expected one of: {_NAMES}"
                    )
                values[name] = activation
                origins[name] = "caller"
            elif name in raw:
                values[name] = _checked(name, raw[name], kind, where)
                origins[name] = f"{where}: {name}"
            else:
                values[name], origins[name] = _DEFAULTS[name], "default"
        values["embedding_size"] = values["hidden_size"]
        values["layer_weights"] = tuple(range(values["num_hidden_layers"]))
        config = cls(**values, origins=origins)
        config._check_heads(where)
        return config

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

    def setting(self, name: str) -> Setting:
        """Give one field together with where it came from."""
        return Setting(getattr(self, name), self.origins.get(name, "caller"))

    def source(self, *names: str) -> str:
        """Say where fields came from, in the words of an error message."""
        by_place: dict[str, list[str]] = {}
        for name in dict.fromkeys(names):
            place, colon, _ = self.origins.get(name, "caller").partition(": ")
            by_place.setdefault(f"in {place}" if colon else f"by {place}", []).append(name)
        return ", ".join(f"{' and '.join(fields)} {place}" for place, fields in by_place.items())


def _model_type(raw: Mapping[str, Any], where: str) -> tuple[str, str]:
    """Find the architecture and where it is stated; refuse those that aren't supported."""
    supported = ", ".join(MODEL_TYPES)
    stated = raw.get("model_type")
    if stated is not None:
        if stated not in MODEL_TYPES:
            raise CheckpointError(
                f"{where}: model_type {shown(stated)} is not supported; supported: {supported}"
            )
        return stated, f"{where}: model_type"
    architectures = raw.get("architectures") or []
    if not isinstance(architectures, list) or not all(isinstance(a, str) for a in architectures):
        raise CheckpointError(
            f"{where}: architectures is {shown(architectures)}, expected a list of names"
        )
    if architectures and not architectures[0].startswith("Bert"):
        raise CheckpointError(
            f"{where}: architecture {architectures[0]} is not supported; supported: {supported}"
        )
    absent = [key for key in _BERT_KEYS if key not in raw]
    if absent:
        raise CheckpointError(
            f"{where} has no model_type and isn't BERT's, for it lacks {', '.join(absent)};"
            f" supported: {supported}"
        )
    return "bert", f"{where}: its keys are BERT's"


def _refuse_variants(raw: Mapping[str, Any], where: str) -> None:
    """Refuse options that would change the computation and that no engine here has."""
    positions = raw.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise CheckpointError(
            f"{where}: position_embedding_type {shown(positions)} is not supported;"
            " supported: absolute"
        )
    for name in ("is_decoder", "add_cross_attention", "pruned_heads"):
        if raw.get(name):
            raise CheckpointError(
                f"{where}: {name} is {shown(raw[name])};"
                " only whole, bidirectional encoders are supported"
            )


def _checked(name: str, value: Any, kind: type, where: str) -> Any:
    """Check one value's type and range."""
    if kind is str:
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise CheckpointError(
                f"{where}: {name} {shown(value)} is not supported; supported: {_NAMES}"
            )
        return value
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        expected = "a whole number" if kind is int else "a number"
        raise CheckpointError(f"{where}: {name} is {shown(value)}, expected {expected}")
    if not 0 < value <= _LARGEST_SIZE:
        raise CheckpointError(
            f"{where}: {name} is {shown(value)}, expected more than 0 and at most {_LARGEST_SIZE}"
        )
    return kind(value)
