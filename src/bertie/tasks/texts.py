"""Checks on the texts that callers give."""

from collections.abc import Iterable, Mapping, Sequence
from reprlib import repr as shown
from typing import Any

from bertie.errors import InputError

# The most faults that one message lists.
_LISTED = 5


def listed(inputs: Any) -> list[Any]:
    """Make a list of whatever holds the caller's texts.

    Raises: InputError: inputs is one thing that isn't a text, or a mapping.
    """
    if isinstance(inputs, (bytes, bytearray, Mapping)) or not isinstance(inputs, Iterable):
        raise InputError(f"inputs is {_kind(inputs)}, expected a text or a list of texts")
    return list(inputs)


def check_texts(texts: Sequence[Any], first: int = 0) -> None:
    """Refuse what can't be tokenized, before anything is computed.

    Args:
        texts: what should be texts.
        first: the position of the first of them among all that the caller gives.
    Raises: InputError: naming the position of each that isn't a text, or isn't Unicode.
    """
    faults = [(first + i, fault) for i, text in enumerate(texts) if (fault := _fault(text))]
    if faults:
        lines = "; ".join(f"text {position} is {fault}" for position, fault in faults[:_LISTED])
        more = f"; and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise InputError(
            f"{lines}{more}; expected str without lone surrogates (positions count from 0);"
            " nothing has been computed from this batch"
        )


def _fault(text: Any) -> str | None:
    """Say what is wrong with one text, if anything is."""
    if not isinstance(text, str):
        return _kind(text)
    if text.isascii():
        return None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"not Unicode: a lone surrogate at index {error.start}"
    return None


def _kind(value: Any) -> str:
    """Name a value's type, and the value where it is short to say."""
    return "None" if value is None else f"{type(value).__name__} {shown(value)}"
