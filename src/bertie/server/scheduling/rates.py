"""Rates: tokens in a second, of late, and what they mean for the size of a batch."""

import math
import time

# Tokens after which what was measured before counts for little, and the part of it that the
# largest batch leaves.
_HORIZON = 32_768
_LEAST_KEPT = 0.5
# Fewer tokens say nothing: the first batch of a model is slow.
_MIN_TOKENS = 2048
# Seconds that throughput looks back.
_WINDOW_S = 5.0

# A batch of a slow model has this part of a whole one at least: smaller ones take longer a token.
_SMALLEST_PART = 4
# Where much waits, a batch has this part of it, and takes at most so many times longer.
_BACKLOG_PART = 4
_LONGEST_FACTOR = 10


def token_budget(per_second: float, waiting: int, most: int, batch_s: float) -> int:
    """Say how many tokens make a batch that doesn't take too long.

    Large batches are computed faster. What comes during one waits for its end, which costs little
    where it waits longer for what came before it.

    Args:
        per_second: tokens that are computed; 0 while too little is known.
        waiting: tokens of all that waits.
        most: the most of any batch.
        batch_s: what one should take while little waits.
    """
    timely = int(per_second * batch_s) if per_second else most
    backlog = min(waiting // _BACKLOG_PART, _LONGEST_FACTOR * timely)
    return min(most, max(timely, backlog, most // _SMALLEST_PART, 1))


class Rate:
    """How fast batches are computed."""

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Take a batch into account."""
        kept = max(1 - tokens / _HORIZON, _LEAST_KEPT)
        self._tokens = self._tokens * kept + tokens
        self._seconds = self._seconds * kept + seconds

    @property
    def per_second(self) -> float:
        """Tokens in a second of computing; 0 while too little is known."""
        return self._tokens / self._seconds if self._tokens >= _MIN_TOKENS else 0.0


class Throughput:
    """How much is computed, idle time included."""

    def __init__(self) -> None:
        self._value = 0.0
        self._updated = time.monotonic()

    def add(self, tokens: int) -> None:
        """Take tokens into account that have just been computed."""
        self._value = self.per_second + tokens / _WINDOW_S
        self._updated = time.monotonic()

    @property
    def per_second(self) -> float:
        """Tokens in a second over the last few."""
        return self._value * math.exp((self._updated - time.monotonic()) / _WINDOW_S)
