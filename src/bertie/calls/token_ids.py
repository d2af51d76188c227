"""Inputs that are token ids already: checked, and with special tokens and cut as texts are."""

from collections.abc import Sequence
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.missing_embeddings import require_embeddings
from bertie.calls.truncation import Truncation
from bertie.errors import InputError
from bertie.tokenize import PackedEncodings, Tokenizer
from bertie.tokenize.special_tokens import special_tokens_of

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TokenIds:
    """An input of a server or a job that is tokens already.

    Attributes:
        ids: as the vocabulary counts them; the special tokens around a text are added where they
            are missing.
    """

    ids: tuple[int, ...]


def pack_token_ids(
    tokenizer: Tokenizer, items: Sequence[Any], first: int, truncation: Truncation
) -> PackedEncodings:
    """Pack token ids; special tokens are added at either end where they are missing.

    Args:
        tokenizer: the model's.
        items: what should be lists of token ids.
        first: the position of the first of them in the call.
        truncation: the call's policy; it counts what is cut, which are never those special tokens.
    Raises: InputError: naming the position of one that isn't a list of ids, or has an id that the
        vocabulary or the model doesn't have; the policy is "window", or "error" and one is too
        long.
    """
    if truncation.windowed:
        raise InputError("truncate is 'window', but inputs are token ids: expected right, left")
    special = special_tokens_of(tokenizer)
    begin, end = list(special.before), list(special.after)
    rows = [
        _row(item, position, tokenizer.vocab_size, begin, end)
        for position, item in enumerate(items, start=first)
    ]
    most = truncation.max_length
    cut = [_cut(row, most, begin, end, truncation.side) for row in rows]
    lengths = np.array([len(row) for row in cut], np.int32)
    truncated = np.array([len(row) for row in rows], np.int32) - lengths
    truncation.add(lengths, truncated, first)
    ids = np.array([id for row in cut for id in row], np.int32)
    packed = PackedEncodings(ids, np.full_like(ids, special.type_id), lengths, truncated)
    require_embeddings(tokenizer, packed, first)
    return packed


def _row(item: Any, position: int, size: int, begin: list[int], end: list[int]) -> list[int]:
    """Check one input and put its special tokens around it."""
    if isinstance(item, (str, bytes)) or not isinstance(item, (Sequence, np.ndarray)):
        raise InputError(
            f"text {position} is {type(item).__name__} {shown(item)}, expected a list of token ids"
        )
    ids = list(item)
    for place, id in enumerate(ids):
        if isinstance(id, bool) or not isinstance(id, (int, np.integer)):
            raise InputError(
                f"text {position}: token {place} is {shown(id)}, expected a whole number"
            )
        if not 0 <= id < size:
            raise InputError(
                f"text {position}: token id {id} at {place} is beyond this model's vocabulary of"
                f" {size}, so the ids come from another model's tokenizer: send text, or tokenize"
                " with this model's"
            )
    before = [] if ids[: len(begin)] == begin else begin
    after = [] if end and len(ids) >= len(end) and ids[-len(end) :] == end else end
    return [*before, *ids, *after]


def _cut(row: list[int], most: int, begin: list[int], end: list[int], side: str) -> list[int]:
    """Leave tokens out between the special ones, at the end that the policy says."""
    if len(row) <= most:
        return row
    inner = row[len(begin) : len(row) - len(end)]
    room = most - len(begin) - len(end)
    kept = inner[len(inner) - room :] if side == "left" else inner[:room]
    return [*begin, *kept, *end]
