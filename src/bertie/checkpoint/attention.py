"""What differs between the attention of models, as records of numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AttentionLayer:
    """What the attention of one pass is like.

    Attributes:
        rotary: the place among the config's rotary records of the one that turns its queries and
            keys; None: nothing does.
        left, right: how many tokens before and after a query it sees; None: all of them.
    """

    rotary: int | None = None
    left: int | None = None
    right: int | None = None


@dataclass(frozen=True)
class Rotary:
    """By what queries and keys are turned.

    Attributes:
        inverse_frequencies: what a pair's angle grows by from token to token, in radians.
        interleaved: whether neighbours are pairs, rather than a number of each half.
        attention_factor: what cosines and sines are multiplied by.
        dynamic: base, factor and trained length: in a longer sequence the base grows with it.
    """

    inverse_frequencies: tuple[float, ...]
    interleaved: bool
    attention_factor: float = 1.0
    dynamic: tuple[float, float, int] | None = None


@dataclass(frozen=True)
class Disentangled:
    """How scores know the distance from query to key.

    Attributes:
        span: half of the rows of the table of relative embeddings.
        rows: (2 x positions - 1) the row of each distance, query's place less key's, from
            1 - positions up.
        content_to_position: whether queries are compared with the distances' keys.
        position_to_content: whether keys are compared with the distances' queries.
    """

    span: int
    rows: tuple[int, ...]
    content_to_position: bool
    position_to_content: bool


@dataclass(frozen=True)
class Convolution:
    """What is added to the first layer's output, before one more norm.

    Attributes:
        kernel: tokens that each output reads, an odd number.
        activation: tanh, gelu or relu.
    """

    kernel: int
    activation: str
