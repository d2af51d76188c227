"""How far a job is, and what it came to."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.jobs.counts import Counts


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        rows, tokens: done by this run.
        seconds: since it began to compute.
        done, total: bytes of input that are done, and of all; no total where nobody knows it.
    """

    rows: int
    tokens: int
    seconds: float
    done: int
    total: int | None

    @property
    def seconds_left(self) -> float | None:
        """What is left at the rate so far; None where that can't be told."""
        if self.total is None or self.done == 0 or self.seconds == 0:
            return None
        return max(self.total - self.done, 0) * self.seconds / self.done

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        seconds = max(self.seconds, 1e-9)
        left = self.seconds_left
        return {
            "rows": self.rows,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows / seconds, 1),
            "tokens_per_second": round(self.tokens / seconds, 1),
            "fraction": None if not self.total else round(min(self.done / self.total, 1), 4),
            "seconds_left": None if left is None else round(left, 1),
        }


Observer: TypeAlias = Callable[[Progress], None]


class ProgressTracker:
    """Counts what a run has done, and tells an observer."""

    def __init__(self, observe: Observer | None, total: int | None) -> None:
        """Get ready. Args: total: bytes of input that are to be done, if known."""
        self._observe = observe
        self._total = total
        self._start = time.monotonic()
        self._rows = self._tokens = self._done = 0

    def add_rows(self, rows: int, tokens: int) -> None:
        """Count rows that were answered."""
        self._rows += rows
        self._tokens += tokens
        self._notify()

    def add_bytes(self, size: int) -> None:
        """Count bytes whose rows are done."""
        self._done += size
        self._notify()

    def skip_bytes(self, size: int) -> None:
        """Count bytes out whose rows an earlier run has done."""
        if self._total is not None:
            self._total -= size

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._start

    def _notify(self) -> None:
        if self._observe is not None:
            progress = Progress(self._rows, self._tokens, self.seconds, self._done, self._total)
            self._observe(progress)


@dataclass(frozen=True)
class Summary:
    """What a job came to.

    Attributes:
        output: the file or directory.
        counts: of all its rows.
        shards: all of them.
        resumed: those that earlier runs had finished.
        own: the counts of this run's rows.
        seconds: that this run took, the model's loading left out.
        rejects: the file of rejected rows, if there are any.
    """

    output: str
    counts: Counts
    shards: int
    resumed: int
    own: Counts
    seconds: float
    rejects: str | None

    def cost(self, price: float) -> float | None:
        """Give the cost of a million tokens at a price per hour; None where none were read."""
        return price * self.seconds / 3600 / self.own.tokens * 1e6 if self.own.tokens else None

    def to_dict(self, price: float | None = None) -> dict[str, Any]:
        """Give it as JSON knows it."""
        seconds = max(self.seconds, 1e-9)
        return {
            "output": self.output,
            **self.counts.to_dict(),
            "shards": self.shards,
            "shards_resumed": self.resumed,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.own.rows / seconds, 1),
            "tokens_per_second": round(self.own.tokens / seconds, 1),
            "rejects": self.rejects,
            **({} if price is None else {"cost_per_million_tokens": self.cost(price)}),
        }
