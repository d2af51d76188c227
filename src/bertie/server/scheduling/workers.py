"""A worker as the front process knows it: what it has loaded, and what it has to do."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bertie.errors import EngineFailed
from bertie.server.scheduling.links import Link
from bertie.server.scheduling.messages import Description, Drop, Key, Load, Loaded, Ping, Ran, Run

# A process may take so many times longer until it first says something.
_STARTING = 10.0


@dataclass(eq=False, slots=True)
class Batch:
    """A batch on its way.

    Attributes:
        run: what the worker is told.
        tokens: of all its inputs; 0 where it isn't to be measured.
        finished: takes what comes of it.
        lost: is told that the worker died, and whether it had begun the batch.
        begun: when the worker had nothing before it any more, in seconds of time.monotonic.
    """

    run: Run
    tokens: int
    finished: Callable[["Batch", Ran], None]
    lost: Callable[["Batch", bool], None]
    begun: float = 0.0


class Worker:
    """One worker, through all of its processes.

    Attributes:
        number: from 0.
        link: to the process; None while there is none.
        restarts: how often it was replaced.
        failures: how often in a row its process died young.
        loaded: the models that it has.
        batches: what it has to do, in order, by number.
        born: when its process was started, in seconds of time.monotonic.
        stalled: whether its process was killed for its silence.
    """

    def __init__(self, number: int, finished: Callable[["Worker", Batch, Ran], None]) -> None:
        self.number = number
        self.link: Link | None = None
        self.restarts = 0
        self.failures = 0
        self.loaded: set[Key] = set()
        self.batches: dict[int, Batch] = {}
        self.born = 0.0
        self.stalled = False
        self._finished = finished
        self._loads: dict[Key, asyncio.Future[Description]] = {}
        self._pinged: float | None = None
        self._heard = False

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self.link is None else self.link.pid

    @property
    def tokens(self) -> int:
        """Tokens of what it has to do."""
        return sum(batch.tokens for batch in self.batches.values())

    def attach(self, link: Link) -> None:
        """Begin with a process."""
        self.link = link
        self.born = time.monotonic()
        self.stalled = self._heard = False
        self._pinged = None

    def receive(self, message: Any) -> None:
        """Take a message from the process."""
        self._heard = True
        if isinstance(message, Ran):
            batch = self.batches.pop(message.number)
            following = next(iter(self.batches.values()), None)
            if following is not None:
                following.begun = time.monotonic()
            self._finished(self, batch, message)
        elif isinstance(message, Loaded):
            self._take(message)
        elif isinstance(message, Ping):
            self._pinged = None

    def send(self, batch: Batch) -> None:
        """Give it a batch to do."""
        assert self.link is not None
        self.link.send(batch.run)
        batch.begun = time.monotonic()
        self.batches[batch.run.number] = batch

    async def load(self, load: Load) -> Description:
        """Load a model. Raises: whatever loading raises; EngineFailed: the process died of it."""
        if self.link is None:
            raise EngineFailed(f"worker {self.number} isn't running: it is being restarted")
        waiting = self._loads.get(load.key)
        if waiting is None:
            waiting = self._loads[load.key] = asyncio.get_running_loop().create_future()
            self.link.send(load)
        return await asyncio.shield(waiting)

    def drop(self, key: Key) -> None:
        """Forget a model."""
        self.loaded.discard(key)
        if self.link is not None:
            self.link.send(Drop(key))

    def silence(self, patience: Callable[[Batch], float], most: float) -> float:
        """Ask the process whether it lives, and say how long it has owed an answer too long.

        Args:
            patience: seconds that a batch may take.
            most: seconds that anything else may take; starting may take longer.
        Returns: seconds beyond that; 0 or less where all is well.
        """
        if self.link is None:
            return 0.0
        now = time.monotonic()
        over = [now - self.born - _STARTING * most] if not self._heard else []
        for first in self.batches.values():
            over.append(now - first.begun - patience(first))
            break
        if self._pinged is not None:
            over.append(now - self._pinged - most)
        elif self._heard:
            self._pinged = now
            self.link.send(Ping(0))
        return max(over, default=0.0)

    def detach(self) -> list[Batch]:
        """End with a process that is gone. Returns: what it had to do, in order."""
        self.link = None
        self.loaded.clear()
        held = list(self.batches.values())
        self.batches.clear()
        loads, self._loads = self._loads, {}
        for waiting in loads.values():
            if not waiting.done():
                waiting.set_exception(EngineFailed(f"worker {self.number} died while loading"))
                waiting.exception()  # nobody may be waiting any more
        return held

    def _take(self, message: Loaded) -> None:
        """Take note of a model that is loaded, or isn't."""
        if message.description is not None:
            self.loaded.add(message.key)
        waiting = self._loads.pop(message.key, None)
        if waiting is None or waiting.done():
            return
        if message.description is not None:
            waiting.set_result(message.description)
        else:
            assert message.error is not None
            waiting.set_exception(message.error)
