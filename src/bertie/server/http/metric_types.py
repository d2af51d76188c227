"""The types of metrics that Prometheus has and that need more than a number."""

from bisect import bisect_left
from collections.abc import Sequence

# Seconds: from a tenth of a millisecond to two minutes, each half as much again.
SECONDS = tuple(1e-4 * 1.5**step for step in range(35))
# Tokens or inputs.
SIZES = tuple(float(2**step) for step in range(15))


class Counter:
    """A number for each combination of labels, which only grows."""

    def __init__(self) -> None:
        """Start with none."""
        self.values: dict[tuple[str, ...], float] = {}

    def increase(self, *labels: str, by: float = 1) -> None:
        """Count."""
        self.values[labels] = self.values.get(labels, 0) + by


class Histogram:
    """How many values were at most as large as each of some bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """Start with no values.

        Args:
            bounds: ascending.
        """
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Give each bound with how many values were at most that."""
        found, below = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            below += count
            found.append(("+Inf" if bound == float("inf") else f"{bound:.6g}", float(below)))
        return found
