"""Rates: tokens in a second, of late."""

import math
import time

# Of what was measured so much still counts at the next measurement.
_KEPT = 0.95
# Seconds that throughput looks back.
_LATELY = 5.0


class Rate:
    """How fast batches are computed."""

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Take a batch into account."""
        self._tokens = self._tokens * _KEPT + tokens
        self._seconds = self._seconds * _KEPT + seconds

    @property
    def per_second(self) -> float:
        """Tokens in a second of computing; 0 while nothing is known."""
        return self._tokens / self._seconds if self._seconds else 0.0


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
