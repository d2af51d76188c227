"""What callers give: a text or many, pairs of texts, texts that are split into words already."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any, TypeAlias

from bertie.arguments import check_flags
from bertie.errors import InputError

# A text, or with split_words=True its words.
Text: TypeAlias = str | Sequence[str]
# A text, or a tuple of two.
Input: TypeAlias = Text | tuple[Text, Text]

# The most errors that one message lists.
_LISTED = 5


@dataclass(frozen=True)
class Texts:
    """Checked inputs, the first text of each and the second where it is a pair.

    Attributes:
        first: the texts, or tuples of words.
        second: as many, None for inputs that aren't pairs.
    """

    first: tuple[Any, ...]
    second: tuple[Any, ...]

    def map(self, change: Callable[[str], str]) -> "Texts":
        """Change every text, or every word."""

        def changed(text: Any) -> Any:
            return change(text) if isinstance(text, str) else tuple(map(change, text))

        return Texts(
            tuple(map(changed, self.first)),
            tuple(None if text is None else changed(text) for text in self.second),
        )

    def prefixed(self, prefix: str) -> "Texts":
        """Put a text before every input, as words of its own where inputs are words."""
        words = tuple(prefix.split())
        return Texts(
            tuple(prefix + t if isinstance(t, str) else words + t for t in self.first), self.second
        )


def as_list(
    inputs: Any, *, pairs: bool = True, split_words: bool = False
) -> tuple[list[Any], bool]:
    """Make a list of whatever holds the caller's inputs.

    Args:
        inputs: one input or several: a str is one, with pairs a tuple, with split_words a list of
            words.
        pairs: whether an input may be a tuple of two texts.
        split_words: whether texts are lists of words.
    Returns: the inputs, and whether the caller gave just one.
    Raises: InputError: inputs is one thing that isn't a text, or a mapping.
    """
    if _is_one(inputs, pairs, split_words):
        return [inputs], True
    if isinstance(inputs, (bytes, bytearray, Mapping)) or not isinstance(inputs, Iterable):
        raise InputError(f"inputs is {_typed(inputs)}, expected a text or a list of texts")
    return list(inputs), False


def _is_one(inputs: Any, pairs: bool, split_words: bool) -> bool:
    """Tell one input from several."""
    if isinstance(inputs, str) or (pairs and isinstance(inputs, tuple)):
        return True
    words = split_words and isinstance(inputs, list) and bool(inputs)
    return words and all(isinstance(word, str) for word in inputs)


def check_texts(
    items: Sequence[Any], first: int = 0, *, pairs: bool = True, split_words: bool = False
) -> Texts:
    """Check inputs and take pairs apart.

    Args:
        items: what should be inputs.
        first: the position of the first of them among all that the caller gives.
        pairs: whether an input may be a tuple of two texts.
        split_words: whether texts are lists of words.
    Raises: InputError: naming the position of each that isn't one.
    """
    check_flags(split_words=split_words)
    errors: list[tuple[str, str]] = []
    texts: list[Any] = []
    seconds: list[Any] = []
    find_error = _words_error if split_words else _text_error
    for position, item in enumerate(items, start=first):
        parts = item if pairs and isinstance(item, tuple) else (item,)
        if pairs and isinstance(item, tuple) and len(item) != 2:
            errors.append((f"text {position}", f"a tuple of {len(item)}, not of 2 texts"))
            continue
        for place, part in zip(("", " (second of its pair)"), parts, strict=False):
            if error := find_error(part):
                errors.append((f"text {position}{place}", error))
        texts.append(parts[0])
        seconds.append(parts[1] if len(parts) == 2 else None)
    expected = "lists of str" if split_words else "str"
    also = f", or a tuple of two {'lists' if split_words else 'texts'}" if pairs else ""
    _raise_listed(errors, f"{expected} without lone surrogates{also}")
    if split_words:
        texts = [tuple(text) for text in texts]
        seconds = [None if text is None else tuple(text) for text in seconds]
    return Texts(tuple(texts), tuple(seconds))


def pair_texts(
    first: Any, second: Any, names: tuple[str, str], *, split_words: bool = False
) -> Any:
    """Put first and second texts side by side: one tuple for one of each, else a list of them.

    Args:
        first: a text, which goes with every second one, or several.
        second: a text, which goes with every first one, or as many as there are first ones.
        names: the caller's words for them.
        split_words: whether texts are lists of words.
    Raises: InputError: several of both, but not as many.
    """
    firsts, one_first = as_list(first, pairs=False, split_words=split_words)
    seconds, one_second = as_list(second, pairs=False, split_words=split_words)
    if one_first and one_second:
        return firsts[0], seconds[0]
    firsts = firsts * len(seconds) if one_first else firsts
    seconds = seconds * len(firsts) if one_second else seconds
    if len(seconds) != len(firsts):
        raise InputError(
            f"{names[0]} has {len(firsts)} texts and {names[1]} {len(seconds)}, expected as many"
        )
    return list(zip(firsts, seconds, strict=True))


def require_pairs(texts: Texts, first: int, lacking: str) -> None:
    """Refuse texts that stand alone.

    Args:
        texts: checked.
        first: the position of the first of them.
        lacking: what a second text is.
    Raises: InputError: naming the first that has no second text.
    """
    if None in texts.second:
        position = first + texts.second.index(None)
        raise InputError(f"text {position} stands alone, expected a tuple of it and {lacking}")


def _raise_listed(errors: Sequence[tuple[str, str]], expected: str) -> None:
    """Put the first few errors into one error."""
    if not errors:
        return
    lines = "; ".join(f"{where} is {error}" for where, error in errors[:_LISTED])
    more = f"; and {len(errors) - _LISTED} more" if len(errors) > _LISTED else ""
    raise InputError(
        f"{lines}{more}; expected {expected} (positions count from 0);"
        " nothing has been computed from this batch"
    )


def _words_error(words: Any) -> str | None:
    """Say what is wrong with a text that should be words, if anything is."""
    if isinstance(words, str) or not isinstance(words, Sequence):
        return f"{_typed(words)}, not a list of words"
    errors = ((number, _text_error(word)) for number, word in enumerate(words))
    return next((f"wrong at word {number}: {error}" for number, error in errors if error), None)


def _text_error(text: Any) -> str | None:
    """Say what is wrong with one text, if anything is."""
    if not isinstance(text, str):
        return _typed(text)
    if text.isascii():
        return None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"not Unicode: a lone surrogate at index {error.start}"
    return None


def _typed(value: Any) -> str:
    """Name a value's type, and the value where it is short to say."""
    return "None" if value is None else f"{type(value).__name__} {shown(value)}"
