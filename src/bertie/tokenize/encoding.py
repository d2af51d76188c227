"""What tokenizing gives: one text in full, or many packed, whole or in windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Encoding:
    """One text, or a pair of texts, as tokens; every list has one value for each token.

    ids: what the encoder reads.
    type_ids: 0 for the first text, 1 for the second, as the model's frame has it.
    tokens: the vocabulary's tokens.
    offsets: (start, end) indices into the caller's string; (0, 0) for tokens that frame it.
    word_ids: the index of the token's word in its text; None for tokens that frame it, and for
        those of white space alone.
    special_mask: 1 for tokens that frame the text, else 0.
    truncated: tokens left out.
    """

    ids: list[int]
    type_ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    special_mask: list[int]
    truncated: int = 0


@dataclass(frozen=True)
class PackedEncodings:
    """Many texts, one after another without padding; all arrays int32.

    ids, type_ids: (tokens,).
    lengths: (texts,), tokens of each text.
    truncated: (texts,), tokens left out of each.
    """

    ids: "np.ndarray"
    type_ids: "np.ndarray"
    lengths: "np.ndarray"
    truncated: "np.ndarray"


@dataclass(frozen=True)
class PackedWindows:
    """Texts cut into windows, one after another without padding; all arrays int32.

    ids, type_ids: (tokens,).
    lengths: (windows,), tokens of each window; a text's windows follow one another.
    texts: (windows,), the index of the text, or pair, that each window is from.
    offsets: (tokens, 2), start and end as indices into the caller's string, or with split_words
        into its word; 0, 0 for tokens that frame a text.
    word_ids: (tokens,), the index of the token's word in its text; -1 for tokens that frame it,
        and for those of white space alone.
    sequences: (tokens,), 0 for tokens of the first text, 1 for those of the second; -1 for tokens
        that frame them.
    """

    ids: "np.ndarray"
    type_ids: "np.ndarray"
    lengths: "np.ndarray"
    texts: "np.ndarray"
    offsets: "np.ndarray"
    word_ids: "np.ndarray"
    sequences: "np.ndarray"

    @property
    def special_mask(self) -> "np.ndarray":
        """Whether each token frames a text, bool (tokens,)."""
        mask: np.ndarray = self.sequences < 0
        return mask
