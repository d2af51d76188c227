"""Streams: any number of inputs in the memory of about a thousand, in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from bertie.errors import InputError
from bertie.tasks.ahead import ahead
from bertie.tasks.truncation import Truncation

Prepared = TypeVar("Prepared")
Result = TypeVar("Result")

# A stream goes in stretches of so many inputs or characters: enough to sort by length, little
# enough to keep. One is read while another is computed.
_STRETCH_INPUTS = 512
_STRETCH_CHARACTERS = 2**19


def streamed(
    inputs: Iterable[Any],
    prepare: Callable[[list[Any], int], Prepared],
    compute: Callable[[Prepared], Iterable[Result]],
    truncation: Truncation,
) -> Iterator[Result]:
    """Compute a stream: a stretch is computed while the one before it is given out.

    Args:
        inputs: read one by one, some stretches ahead.
        prepare: makes a stretch ready, given the position of its first input in the stream.
        compute: gives one result for each input of a stretch.
        truncation: warns when the stream ends or is closed.
    Returns: an iterator over the results, in order.
    """
    first = 0

    def prepared(stretch: list[Any]) -> Prepared:
        nonlocal first
        ready = prepare(stretch, first)
        first += len(stretch)
        return ready

    try:
        for results in ahead(_stretches(inputs), prepared, compute):
            yield from results
    except GeneratorExit:
        truncation.warn(stacklevel=2)
        raise
    truncation.warn(stacklevel=2)


def iterable(inputs: Any, name: str) -> Iterable[Any]:
    """Check what a caller gives as a stream.

    Raises: InputError: a text, a mapping, or nothing that can be iterated over.
    """
    if isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable):
        raise InputError(
            f"{name} is of type {type(inputs).__name__}, expected an iterable of {name}"
        )
    return inputs


def _stretches(inputs: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut a stream into lists of a bounded number of inputs and, one long one aside, characters."""
    stretch: list[Any] = []
    characters = 0
    for item in inputs:
        stretch.append(item)
        characters += _characters(item)
        if len(stretch) == _STRETCH_INPUTS or characters >= _STRETCH_CHARACTERS:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch


def _characters(item: Any) -> int:
    """Count a text's characters, or those of the texts of a pair or of a list of words."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, (list, tuple)):
        return sum(len(part) for part in item if isinstance(part, str))
    return 0
