"""A progress bar with rate and time left, on a terminal, for work that lasts."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_DELAY = 0.5  # seconds before a bar is worth importing one for


class ProgressBar:
    """A bar on standard error; on anything but a terminal it shows nothing."""

    def __init__(self, unit: str) -> None:
        """Start the clock. Args: unit: what is counted for the rate, "B" for bytes."""
        self._unit = unit
        self._shown = sys.stderr.isatty()
        self._start = time.monotonic()
        self._what = ""
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(
        self, what: str, done: float, total: float | None, *, counted: int | None = None
    ) -> None:
        """Show how far the work is.

        Args:
            done, total: progress in any unit; no total shows no end.
            counted: how many units are done, where that isn't done itself.
        """
        if not self._shown or time.monotonic() - self._start < _DELAY:
            return
        bar = self._bar or self._open()
        if what != self._what:
            if self._task is not None:
                bar.remove_task(self._task)
            self._task = bar.add_task(what, total=total, rate="")
            self._what, self._start = what, time.monotonic()
        elapsed = max(time.monotonic() - self._start, 1e-9)
        rate = self._rate((done if counted is None else counted) / elapsed)
        assert self._task is not None
        bar.update(self._task, completed=done, total=total, rate=rate)

    def _rate(self, per_second: float) -> str:
        if self._unit == "B":
            return f"{per_second / 1e6:.1f} MB/s"
        return f"{per_second:,.0f} {self._unit}/s"

    def _open(self) -> "Progress":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        return self._bar
