"""A pool's worker, through all of its processes: what it has loaded, and what it has to do."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bertie.errors import EngineFailed
from bertie.server.scheduling.messages import (
    BatchResult,
    LoadModel,
    LoadResult,
    ModelDescription,
    ModelKey,
    Ping,
    RunBatch,
    UnloadModel,
)
from bertie.server.scheduling.worker_handle import WorkerHandle

# A process may take so many times longer until it first says something.
_START_FACTOR = 10.0


@dataclass(eq=False, slots=True)
class PendingBatch:
    """A batch that a worker has.

    Attributes:
        message: what the worker is told.
        tokens: of all its inputs; 0 where it isn't to be measured.
        finished: takes its result.
        lost: is told that the worker died, and whether it had begun the batch.
        begun: when the worker had nothing before it any more, in seconds of time.monotonic.
    """

    message: RunBatch
    tokens: int
    finished: Callable[[BatchResult], None]
    lost: Callable[[bool], None]
    begun: float = 0.0


class PoolWorker:
    """One worker, whichever process it has.

    Attributes:
        number: from 0.
        handle: to the process; None while there is none.
        restarts: how often it was replaced.
        failures: how often in a row its process died young.
        loaded: the models that it has.
        batches: what it has to do, in order, by number.
        started: when its process was, in seconds of time.monotonic.
        stalled: whether its process was killed for its silence.
    """

    def __init__(self, number: int, finished: Callable[[PendingBatch, BatchResult], None]) -> None:
        self.number = number
        self.handle: WorkerHandle | None = None
        self.restarts = 0
        self.failures = 0
        self.loaded: set[ModelKey] = set()
        self.batches: dict[int, PendingBatch] = {}
        self.started = 0.0
        self.stalled = False
        self._finished = finished
        self._loads: dict[ModelKey, asyncio.Future[ModelDescription]] = {}
        self._pinged: float | None = None
        self._heard = False

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self.handle is None else self.handle.pid

    @property
    def tokens(self) -> int:
        """Tokens of what it has to do."""
        return sum(batch.tokens for batch in self.batches.values())

    def attach(self, handle: WorkerHandle) -> None:
        """Begin with a process."""
        self.handle = handle
        self.started = time.monotonic()
        self.stalled = self._heard = False
        self._pinged = None

    def receive(self, message: Any) -> None:
        """Take a message from the process."""
        self._heard = True
        if isinstance(message, BatchResult):
            batch = self.batches.pop(message.number)
            following = next(iter(self.batches.values()), None)
            if following is not None:
                following.begun = time.monotonic()
            self._finished(batch, message)
        elif isinstance(message, LoadResult):
            self._finish_load(message)
        elif isinstance(message, Ping):
            self._pinged = None

    def send(self, batch: PendingBatch) -> None:
        """Give it a batch to do."""
        assert self.handle is not None
        self.handle.send(batch.message)
        batch.begun = time.monotonic()
        self.batches[batch.message.number] = batch

    async def load(self, message: LoadModel) -> ModelDescription:
        """Load a model. Raises: whatever loading raises; EngineFailed: the process died of it."""
        if self.handle is None:
            raise EngineFailed(f"worker {self.number} isn't running: it is being restarted")
        loading = self._loads.get(message.key)
        if loading is None:
            loading = self._loads[message.key] = asyncio.get_running_loop().create_future()
            self.handle.send(message)
        return await asyncio.shield(loading)

    def unload(self, key: ModelKey) -> None:
        """Forget a model."""
        self.loaded.discard(key)
        if self.handle is not None:
            self.handle.send(UnloadModel(key))

    def overdue(self, batch_timeout: Callable[[PendingBatch], float], timeout: float) -> float:
        """Ping the process, and say how long it has owed an answer too long.

        Args:
            batch_timeout: seconds that a batch may take.
            timeout: seconds that anything else may take; starting may take longer.
        Returns: seconds beyond that; 0 or less where all is well.
        """
        if self.handle is None:
            return 0.0
        now = time.monotonic()
        over = [now - self.started - _START_FACTOR * timeout] if not self._heard else []
        for first in self.batches.values():
            over.append(now - first.begun - batch_timeout(first))
            break
        if self._pinged is not None:
            over.append(now - self._pinged - timeout)
        elif self._heard:
            self._pinged = now
            self.handle.send(Ping())
        return max(over, default=0.0)

    def detach(self) -> list[PendingBatch]:
        """End with a process that is gone. Returns: what it had to do, in order."""
        self.handle = None
        self.loaded.clear()
        batches = list(self.batches.values())
        self.batches.clear()
        loads, self._loads = self._loads, {}
        for loading in loads.values():
            if not loading.done():
                loading.set_exception(EngineFailed(f"worker {self.number} died while loading"))
                loading.exception()  # nobody may be waiting any more
        return batches

    def _finish_load(self, result: LoadResult) -> None:
        """Take note of a model that is loaded, or isn't."""
        if result.description is not None:
            self.loaded.add(result.key)
        loading = self._loads.pop(result.key, None)
        if loading is None or loading.done():
            return
        if result.description is not None:
            loading.set_result(result.description)
        else:
            assert result.error is not None
            loading.set_exception(result.error)
