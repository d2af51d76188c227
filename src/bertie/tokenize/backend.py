"""What runs a tokenizer, as the tokenizer sees it: how it is asked, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bertie.errors import InputError

# One sequence: ids, type ids, offsets, word ids, special mask.
Row: TypeAlias = tuple[list[int], list[int], list[tuple[int, int]], list[int | None], list[int]]
# Windows: the arrays of PackedWindows, in its order.
Arrays: TypeAlias = tuple[Any, Any, Any, Any, Any, Any, Any]
# Texts, or words of texts that the caller has split.
Texts: TypeAlias = tuple[str, ...] | tuple[tuple[str, ...], ...]

STRATEGIES = ("longest_first", "only_first", "only_second")


@dataclass(frozen=True)
class Options:
    """How texts are encoded.

    split: texts are tuples of words.
    max_length: tokens to keep, special ones included; -1: no limit.
    left: tokens are left out on the left.
    strategy: which text of a pair loses tokens, one of STRATEGIES.
    stride: tokens that a window shares with the one before it.
    """

    split: bool = False
    add_special: bool = True
    max_length: int = -1
    left: bool = False
    strategy: str = "longest_first"
    stride: int = 0


class Backend(Protocol):
    """Encodes and decodes; every method raises InputError for a text that is none."""

    def encode(self, text: Texts, pair: Texts | None, options: Options) -> tuple[Row, int]:
        """Encode the one text of a tuple; return it and the number of tokens left out."""

    def windows(self, text: Texts, pair: Texts | None, options: Options) -> list[Row]:
        """Encode the one text of a tuple as windows, the one that `encode` gives first."""

    def encode_batch(
        self, texts: Texts, pairs: Texts | None, options: Options, threads: int, base: int
    ) -> tuple[Any, Any, Any, Any]:
        """Encode texts into packed ids, type ids, lengths and counts of tokens left out.

        base: the first text's position in complaints. threads 0: as many as there are cores.
        """

    def encode_windows(
        self, texts: Texts, pairs: Texts | None, options: Options, threads: int
    ) -> Arrays:
        """Encode texts into all their windows, packed."""

    def decode(self, ids: Sequence[int], skip_special: bool) -> str:
        """Join the tokens of ids."""


def strategy_named(name: str) -> str:
    """Return the name of a strategy. Raises: InputError: there is none of that name."""
    if name not in STRATEGIES:
        raise InputError(f"strategy is {name!r}, expected one of {', '.join(STRATEGIES)}")
    return name
