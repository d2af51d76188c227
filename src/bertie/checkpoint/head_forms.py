"""Which layers stand on the last hidden states: forms of heads, as data."""

from dataclasses import dataclass

WORDS = "embeddings.word_embeddings.weight"

# A head's activation that is the feed-forward one's of its config.
HIDDEN_ACT = "hidden_act"


@dataclass(frozen=True)
class Step:
    """One step of a head.

    Attributes:
        name: its module; the tensors are name.weight and name.bias.
        activation: identity, gelu, relu, tanh, or HIDDEN_ACT.
        norm: whether it is a layer norm rather than a dense layer.
    """

    name: str
    activation: str = "identity"
    norm: bool = False


@dataclass(frozen=True)
class HeadForm:
    """One way from the last hidden states to logits.

    Attributes:
        kind: what the logits are for.
        reads: "first", each sequence's first hidden state, or "tokens", every token's.
        steps: in order; the last gives the logits.
        outputs: how many logits there must be: a number, or the field of the config that says it;
            None where the head itself decides.
        class_ending: how the names of transformers' classes that have it end.
    """

    kind: str
    reads: str
    steps: tuple[Step, ...]
    outputs: int | str | None = None
    class_ending: str = ""


@dataclass(frozen=True)
class Tie:
    """A tensor that a file may leave out because it is another one.

    Attributes:
        name: the one left out.
        of: the one that it is.
        head: how the names begin that show that the file has the head at all.
    """

    name: str
    of: str
    head: str
