"""What a config's values may be, and the checks that say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from bertie.errors import CheckpointError

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
    "silu": "silu",
    "swish": "silu",
}

# MPNet's distances are sorted into so many buckets, whatever its config says.
RELATIVE_BUCKETS = 32

_LARGEST_SIZE = 2**31 - 1
# More layers than any model has; each takes a place in layer_weights.
MOST_LAYERS = 1024
# Tokens of a sequence where each distance between two has an entry in a list.
MOST_DISTANCES = 2**16


@dataclass(frozen=True)
class Number:
    """What a number may be.

    Attributes:
        kind: int or float.
        least: the smallest whole number.
        most: the largest.
    """

    kind: type = int
    least: int = 1
    most: int = _LARGEST_SIZE

    def check(self, key: str, value: Any, where: str) -> Any:
        """Give the value as its kind. Raises: CheckpointError: it is of another, or outside."""
        if isinstance(value, bool) or not isinstance(
            value, int if self.kind is int else (int, float)
        ):
            expected = "a whole number" if self.kind is int else "a number"
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected {expected}")
        above = value >= self.least if self.kind is int else value > 0
        if not (above and value <= self.most):
            least = f"at least {self.least}" if self.kind is int else "more than 0"
            expected = f"{least} and at most {self.most}"
            if self.least == self.most:
                expected = f"{self.most}, as its architecture computes with"
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected {expected}")
        return self.kind(value)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def check(self, key: str, value: Any, where: str) -> Any:
        """Give the value. Raises: CheckpointError: it is neither."""
        if not isinstance(value, bool):
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected true or false")
        return value


@dataclass(frozen=True)
class Word:
    """One of some words.

    Attributes:
        known: those that there are; none: any.
    """

    known: tuple[str, ...] = ()

    def check(self, key: str, value: Any, where: str) -> Any:
        """Give the value. Raises: CheckpointError: it is none of them."""
        if not isinstance(value, str) or (self.known and value not in self.known):
            expected = ", ".join(self.known) or "a word"
            raise CheckpointError(
                f"{where}: {key} {shown(value)} is not supported; supported: {expected}"
            )
        return value


@dataclass(frozen=True)
class Words:
    """Several of some words: a list of them, or one string with bars between.

    Attributes:
        known: those that there are.
    """

    known: tuple[str, ...]

    def check(self, key: str, value: Any, where: str) -> Any:
        """Give the words, sorted. Raises: CheckpointError: one is unknown, or there twice."""
        parts = value.lower().split("|") if isinstance(value, str) else value
        if value is None:
            return ()
        if not isinstance(parts, (list, tuple)):
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected a list of words")
        words = [part.strip() if isinstance(part, str) else part for part in parts]
        for word in words:
            if word not in self.known:
                raise CheckpointError(
                    f"{where}: {key} has {shown(word)}, which is not supported; supported:"
                    f" {', '.join(self.known)}"
                )
        # DeBERTa's first version counts them, so that a second one would change numbers.
        if len(set(words)) < len(words):
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected each word once")
        return tuple(sorted(words))


Field = Number | Flag | Word | Words

_BIASES = (
    *("query", "key", "value", "attention_output", "position_key", "position_query"),
    *("gate", "intermediate", "output", "projection", "norm"),
)

# What is read of a config, by field; hidden_act's words are its architecture's to say.
FIELDS: Mapping[str, Field] = {
    "vocab_size": Number(),
    "hidden_size": Number(),
    "num_hidden_layers": Number(most=MOST_LAYERS),
    "num_attention_heads": Number(),
    "intermediate_size": Number(),
    "max_position_embeddings": Number(),
    "type_vocab_size": Number(),
    "hidden_act": Word(),
    "layer_norm_eps": Number(float),
    "embedding_size": Number(),
    "position_padding": Number(least=0),
    "relative_attention_num_buckets": Number(least=RELATIVE_BUCKETS, most=RELATIVE_BUCKETS),
    "num_hidden_groups": Number(most=MOST_LAYERS),
    "inner_group_num": Number(most=MOST_LAYERS),
    "head_size": Number(most=4096),
    "num_key_value_heads": Number(),
    "learned_positions": Flag(),
    "embedding_norm": Flag(),
    "projection_first": Flag(),
    "norm": Word(("layer_norm", "rms_norm")),
    "norm_place": Word(("after", "before")),
    "first_norm": Flag(),
    "final_norm": Flag(),
    "gated": Flag(),
    "query_key_norm": Word(("none", "all")),
    "alibi": Flag(),
    "residual_norm": Flag(),
    "local_attention": Number(least=2),
    "relative_attention": Flag(),
    "position_buckets": Number(least=-1),
    "max_relative_positions": Number(least=-1),
    "pos_att_type": Words(("c2p", "p2c")),
    "share_att_key": Flag(),
    "norm_rel_ebd": Word(("none", "layer_norm")),
    "conv_kernel_size": Number(least=0, most=99),
    "conv_act": Word(("tanh", "gelu", "relu")),
    **{f"{name}_bias": Flag() for name in _BIASES},
}
