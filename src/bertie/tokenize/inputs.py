"""What callers pass: texts, lists of texts, and texts as lists of words."""

from collections.abc import Iterable, Iterator, Sequence
from reprlib import repr as shown
from typing import Any

from bertie.arguments import is_whole
from bertie.errors import InputError


def check_text(text: Any, name: str) -> None:
    """Complain as the core does. Raises: InputError: the text is no str, or has lone surrogates."""
    if not isinstance(text, str):
        raise InputError(f"{name} is {_found(text)}, expected str: pass its text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name} has a lone surrogate at index {error.start}, which is no character: fix the "
            "text's decoding, or replace it"
        ) from None


def _found(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def check_count(value: int | None, name: str) -> None:
    """Refuse what is no count. Raises: InputError: the value isn't whole, is below 0 or absurd."""
    if value is not None and not (is_whole(value) and 0 <= value < 2**62):
        raise InputError(f"{name} is {shown(value)}, expected a whole number, 0 or more")


def as_one(text: Any, name: str, split: bool) -> tuple[Any]:
    """Return the one text, or the tuple of its words, as a batch of one."""
    return (_words(text, name),) if split else (text,)


def as_one_or_none(text: Any, name: str, split: bool) -> tuple[Any] | None:
    """Return `as_one`, or None where there is no text."""
    return None if text is None else as_one(text, name, split)


def _words(text: Any, name: str) -> tuple[str, ...]:
    if not isinstance(text, Sequence) or isinstance(text, str | bytes):
        raise InputError(
            f"{name} is {_found(text)}, expected a list of words with split_words=True"
        )
    return tuple(text)


def as_texts(texts: Iterable[Any], name: str, split: bool, base: int = 0) -> tuple[Any, ...]:
    """Return texts as a tuple, or with `split` as a tuple of tuples of words.

    Raises: InputError: there is one string instead of several, or no list of words; whether each
        text is one, the backend checks.
    """
    if isinstance(texts, str | bytes):
        raise InputError(f"{name} is one {type(texts).__name__}, expected a list of str")
    if split:
        return tuple(_words(text, f"{name}[{base + i}]") for i, text in enumerate(texts))
    return tuple(texts)


def as_pairs(
    texts: Iterable[Any], pairs: Iterable[Any] | None, split: bool
) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """Return texts and their second texts as `as_texts` does.

    Raises: InputError: as `as_texts`; there are more of one than of the other.
    """
    first = as_texts(texts, "texts", split)
    if pairs is None:
        return first, None
    second = as_texts(pairs, "pairs", split)
    if len(second) != len(first):
        raise InputError(f"{len(first)} texts and {len(second)} pairs, expected as many")
    return first, second


def chunks(texts: Iterator[Any], most: int) -> Iterator[list[Any]]:
    """Yield lists of at most `most` texts, or fewer once they have 4 million characters."""
    characters, block = 0, []
    for text in texts:
        block.append(text)
        if isinstance(text, str):
            characters += len(text)
        elif isinstance(text, Sequence):
            characters += sum(len(word) for word in text if isinstance(word, str))
        if len(block) == most or characters >= 4_000_000:
            yield block
            characters, block = 0, []
    if block:
        yield block


def check_room(lengths: Iterable[int], max_length: int) -> None:
    """Refuse windows that hold nothing but special tokens: one of them is then the whole text."""
    if any(length > max_length for length in lengths):
        raise InputError(
            f"max_length is {max_length}, which leaves no room for text beside the special tokens:"
            " raise it"
        )


def whole_numbers(ids: Iterable[Any]) -> list[int]:
    """Give token ids as Python's own numbers. Raises: InputError: one is no whole number."""
    found = []
    for place, id in enumerate(ids):
        if not is_whole(id):
            raise InputError(f"id {place} is {shown(id)}, expected a whole number")
        found.append(int(id))
    return found
