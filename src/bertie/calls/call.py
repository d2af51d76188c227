"""Calls: one input, several, or a stream of any number in the memory of about a thousand."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from bertie.calls.prefetching import prefetch
from bertie.calls.texts import as_list
from bertie.calls.truncation import Truncation
from bertie.errors import InputError

Ready = TypeVar("Ready")

# A stream goes in chunks of so many inputs or characters: enough to sort by length, little
# enough to keep. One is read while another is computed.
_CHUNK_INPUTS = 512
_CHUNK_CHARACTERS = 2**19


@dataclass(frozen=True)
class Call(Generic[Ready]):
    """What one call does with its inputs, however many there are.

    Attributes:
        prepare: checks and tokenizes inputs, given the position of the first of them.
        compute: gives one answer for each of them, in a list or an array.
        truncation: what the call leaves out of its inputs.
        pairs: whether an input may be a tuple of two texts.
        split_words: whether texts are lists of words.
    """

    prepare: Callable[[list[Any], int], Ready]
    compute: Callable[[Ready], Any]
    truncation: Truncation
    pairs: bool = False
    split_words: bool = False

    def run(self, inputs: Any) -> Any:
        """Answer in kind: one answer for one input, answers for several.

        To be called by the public method itself, whose caller warnings then name.
        """
        items, single = as_list(inputs, pairs=self.pairs, split_words=self.split_words)
        answers = self.compute(self.prepare(items, 0))
        self.truncation.warn(stacklevel=3)
        return answers[0] if single else answers

    def stream(self, inputs: Any, name: str) -> Iterator[Any]:
        """Answer one by one, in order; a chunk is computed while the one before is given out.

        Args:
            inputs: an iterable, prefetched by some chunks.
            name: the caller's word for it.
        Raises: InputError: a text, a mapping, or nothing that can be iterated over.
        """
        if isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable):
            kind = type(inputs).__name__
            raise InputError(f"{name} is of type {kind}, expected an iterable of {name}")
        return self._stream_chunks(inputs)

    def _stream_chunks(self, inputs: Iterable[Any]) -> Iterator[Any]:
        """Go through the chunks, and warn when the stream ends or is closed."""
        first = 0

        def prepared(chunk: list[Any]) -> Ready:
            nonlocal first
            ready = self.prepare(chunk, first)
            first += len(chunk)
            return ready

        try:
            for answers in prefetch(_chunks(inputs), prepared, self.compute):
                for answer in answers:
                    # A caller that keeps one vector shouldn't keep its whole chunk's.
                    yield answer.copy() if isinstance(answer, np.ndarray) else answer
        except GeneratorExit:
            self.truncation.warn(stacklevel=2)
            raise
        self.truncation.warn(stacklevel=2)


def _chunks(inputs: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut a stream into lists of a bounded number of inputs and, one long one aside, characters."""
    chunk: list[Any] = []
    characters = 0
    for item in inputs:
        chunk.append(item)
        characters += _characters(item)
        if len(chunk) == _CHUNK_INPUTS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _characters(item: Any) -> int:
    """Count a text's characters, or those of the texts of a pair or of a list of words."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, (list, tuple)):
        return sum(len(part) for part in item if isinstance(part, str))
    return 0
