"""Tokens that a vocabulary has and the model has no embedding for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError
from bertie.tokenize import Tokenizer

Ints = NDArray[np.int32]


def require_embeddings(
    tokenizer: Tokenizer, found: Any, first: int, texts: Ints | None = None, *, sequences: int = 1
) -> None:
    """Refuse texts with a token that the model has no embedding for.

    Args:
        tokenizer: the model's.
        found: PackedEncodings or PackedWindows of some texts.
        first: the position of the first of them in the call.
        texts: (sequences,) the index of the text that each is of, ascending; None: its own.
        sequences: how many of them are made of each text.
    Raises: InputError: naming the first text that has one, the token and the numbers.
    """
    if tokenizer.rows is None or tokenizer.rows >= tokenizer.vocab_size:
        return
    beyond = np.flatnonzero(found.ids >= tokenizer.rows)
    if not len(beyond):
        return
    place = int(np.searchsorted(np.cumsum(found.lengths), beyond[0], side="right"))
    position = first + (place if texts is None else int(texts[place])) // sequences
    id = int(found.ids[beyond[0]])
    raise InputError(f"text {position}: {missing_embedding(tokenizer, id)}")


def missing_embedding(tokenizer: Tokenizer, id: int) -> str:
    """Say that the model has no embedding for a token."""
    return (
        f"token {tokenizer.vocab.tokens[id]!r} is {id} in the vocabulary of {tokenizer.vocab_size},"
        f" but the model has embeddings of {tokenizer.rows} tokens: leave it out of the text, or"
        " save the model after resize_token_embeddings"
    )
