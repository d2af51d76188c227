"""Signals that ask a server to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# What ends a program: SIGTERM of kill and of service managers, SIGINT of Ctrl+C, and on Windows
# SIGBREAK of Ctrl+Break.
STOP_SIGNALS = tuple(
    signal.Signals[name]
    for name in ("SIGTERM", "SIGINT", "SIGBREAK")
    if name in signal.Signals.__members__
)


@contextmanager
def on_stop_signal(loop: "asyncio.AbstractEventLoop", stop: Callable[[], None]) -> Iterator[None]:
    """Have a function called on an event loop whenever a signal asks to stop."""
    try:
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop)
    except NotImplementedError:  # the loops of Windows
        before = {
            number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
            for number in STOP_SIGNALS
        }
    else:
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
