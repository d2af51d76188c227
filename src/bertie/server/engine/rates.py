"""Rates: tokens in a second, of late."""

import math
import time

# Tokens after which what was measured before counts for little, and the part that one batch leaves.
_HORIZON = 32_768
_LEFT = 0.5
# Fewer tokens say nothing: the first batch of a model is slow.
_ENOUGH = 2048
# Seconds that throughput looks back.
_LATELY = 5.0


class Rate:
    """How fast batches are computed."""

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Take a batch into account."""
        kept = max(1 - tokens / _HORIZON, _LEFT)
        self._tokens = self._tokens * kept + tokens
        self._seconds = self._seconds * kept + seconds

    @property
    def per_second(self) -> float:
        """Tokens in a second of computing; 0 while too little is known."""
        return self._tokens / self._seconds if self._tokens >= _ENOUGH else 0.0


class Throughput:
    """How much is computed, idle time included."""

    def __init__(self) -> None:
        self._value = 0.0
        self._at = time.monotonic()

    def add(self, tokens: int) -> None:
        """Take tokens into account that have just been computed."""
        self._value = self.per_second + tokens / _LATELY
        self._at = time.monotonic()

    @property
    def per_second(self) -> float:
        """Tokens in a second over the last few."""
        return self._value * math.exp((self._at - time.monotonic()) / _LATELY)
