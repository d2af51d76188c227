"""Texts to measure with where the caller has none: words of the model's vocabulary at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bertie.errors import InputError
from bertie.tokenize import Tokenizer

_SEED = 7
_SPECIAL = 2  # tokens that frame a text


@dataclass(frozen=True)
class Texts:
    """Some texts, by a name."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class _Kind:
    """Texts of like length: how many, and their tokens: the fewest, the most, the most common."""

    name: str
    count: int
    least: int
    most: int
    mode: int


# Sentences, and paragraphs of about the length that retrieval cuts documents to.
_KINDS = (_Kind("short", 1024, 6, 36, 12), _Kind("long", 128, 80, 256, 160))


def synthetic_texts(tokenizer: Tokenizer, max_length: int) -> tuple[Texts, ...]:
    """Write the same short and long texts for the same vocabulary, every time.

    Words are tokens that begin a word and consist of letters, so nearly each is one token again.

    Args:
        max_length: the most tokens of a text, special ones included.
    Raises: InputError: the vocabulary has no such word.
    """
    words = _words(tokenizer)
    made = []
    for kind in _KINDS:
        random = Random(_SEED)
        texts = []
        for _ in range(kind.count):
            length = round(random.triangular(kind.least, kind.most, kind.mode))
            count = max(min(length, max_length) - _SPECIAL, 1)
            texts.append(" ".join(random.choices(words, k=count)))
        made.append(Texts(kind.name, tuple(texts)))
    return tuple(made)


def _words(tokenizer: Tokenizer) -> Sequence[str]:
    """List the vocabulary's whole words: WordPiece marks what isn't one by ##, others by a start.

    Unigram and byte-level BPE mark a word's start instead, by ▁ and Ġ.
    """
    tokens = tuple(tokenizer.vocab)[: tokenizer.readable]
    for mark in ("▁", "Ġ"):
        marked = [token[1:] for token in tokens if token[:1] == mark and token[1:].isalpha()]
        if len(marked) > len(tokens) // 10:
            return marked
    words = [token for token in tokens if token.isalpha()]
    if not words:
        raise InputError("the vocabulary has no word of letters alone; give texts of your own")
    return words
