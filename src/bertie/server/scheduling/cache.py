"""An LRU cache of answers, bounded in bytes: those that were not wanted for longest go first."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass, replace
from sys import getsizeof
from typing import Any

import numpy as np

MISSING: Any = object()


class Cache:
    """Answers by model, input and options.

    Attributes:
        size: bytes that they take, with their keys.
        hits, misses: how often an answer was there, and wasn't.
    """

    def __init__(self, max_bytes: int) -> None:
        """Start empty.

        Args:
            max_bytes: bytes that it may take.
        """
        self.size = self.hits = self.misses = 0
        self._max_bytes = max_bytes
        self._answers: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> Any:
        """Find an answer, or give MISSING."""
        found = self._answers.get(key)
        if found is None:
            self.misses += 1
            return MISSING
        self.hits += 1
        self._answers.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, answer: Any) -> None:
        """Remember an answer, and forget others to make room."""
        answer = _copy(answer)
        size = _size(answer) + _size(key)
        if size > self._max_bytes or key in self._answers:
            return
        self._answers[key] = answer, size
        self.size += size
        while self.size > self._max_bytes:
            _, (_, freed) = self._answers.popitem(last=False)
            self.size -= freed


def _copy(value: Any) -> Any:
    """Copy the arrays of an answer: they lie in the memory of a whole batch."""
    if isinstance(value, np.ndarray):
        copy = value.copy()
        copy.flags.writeable = False
        return copy
    if isinstance(value, (tuple, list)):
        return type(value)(map(_copy, value))
    if is_dataclass(value) and not isinstance(value, type):
        values = {one.name: getattr(value, one.name) for one in fields(value)}
        copies = {name: _copy(v) for name, v in values.items() if isinstance(v, np.ndarray)}
        return replace(value, **copies) if copies else value
    return value


def _size(value: Any) -> int:
    """Count the bytes of an answer, all that it holds included."""
    if isinstance(value, np.ndarray):
        return getsizeof(value) + (0 if value.base is None else value.nbytes)
    if isinstance(value, (tuple, list)):
        return getsizeof(value) + sum(map(_size, value))
    if isinstance(value, Mapping):
        return getsizeof(value) + sum(map(_size, value.values()))
    if is_dataclass(value):
        return getsizeof(value) + sum(_size(getattr(value, one.name)) for one in fields(value))
    return getsizeof(value)
