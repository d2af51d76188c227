"""The pool: as many workers as the settings say, each replaced when it dies or falls silent."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import count
from typing import Any

from bertie import _core
from bertie.errors import BertieError
from bertie.server.scheduling.events import Observer, WorkerLost
from bertie.server.scheduling.messages import (
    BatchResult,
    LoadModel,
    ModelDescription,
    ModelKey,
    RunBatch,
)
from bertie.server.scheduling.pool_worker import PendingBatch, PoolWorker
from bertie.server.scheduling.rates import Rate, Throughput, token_budget
from bertie.server.scheduling.worker_handle import WorkerHandle, WorkerProcess, WorkerThread
from bertie.server.settings import SchedulingSettings

_log = logging.getLogger(__name__)

# A batch may take so many times what its tokens took of late, beside the settings' stall_s.
_TIMEOUT_FACTOR = 4.0
# A process that lived for less time, in seconds, is replaced after a pause, which doubles up to so
# many seconds.
_YOUNG_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
# Batches that a worker has at once: one is computed, one is there when it is done.
_MAX_BATCHES = 2
# What a second batch has at least, in this part of a whole one: a smaller one waits, and grows.
_SECOND_PART = 0.125


class Pool:
    """All workers.

    Attributes:
        workers: by number.
        rate: how fast they compute, all together.
        throughput: how much they compute.
    """

    def __init__(
        self, settings: SchedulingSettings, on_free: Callable[[], None], observe: Observer
    ) -> None:
        """Plan the workers.

        Args:
            settings: how many, how large batches are, how long to wait.
            on_free: is called when a worker can take a batch that couldn't before.
            observe: is told when a worker is lost.
        """
        self._settings = settings
        self._on_free = on_free
        self._observe = observe
        self._least_second = max(int(settings.batch_tokens * _SECOND_PART), 1)
        self._threads = _threads_each(settings)
        self._loads: dict[ModelKey, LoadModel] = {}
        self._rates: dict[ModelKey, Rate] = defaultdict(Rate)
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._worker_rate = Rate()
        self.throughput = Throughput()
        self.workers = [PoolWorker(n, self._finished) for n in range(max(settings.workers, 1))]

    @property
    def rate(self) -> float:
        """Tokens in a second that all workers can compute; 0 while nothing is known."""
        return self._worker_rate.per_second * len(self.workers)

    async def start(self) -> None:
        """Start every worker."""
        for worker in self.workers:
            worker.attach(await self._start(worker))
        self._create_task(self._watch())

    async def stop(self, timeout: float) -> None:
        """End every worker, by force after so many seconds."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        handles = [worker.handle for worker in self.workers if worker.handle is not None]
        await asyncio.gather(*(handle.close(timeout) for handle in handles))

    async def load(self, message: LoadModel) -> ModelDescription:
        """Load a model in every worker.

        Raises: whatever bertie.load raises. Raises: EngineFailed: a worker died of it.
        """
        while not (running := [worker for worker in self.workers if worker.handle is not None]):
            await asyncio.sleep(_FIRST_PAUSE_S)  # they are being started
        results = await asyncio.gather(
            *(worker.load(message) for worker in running), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                self.unload(message.key)
                raise result
        self._loads[message.key] = message
        # One that was restarted in the meantime didn't know of it.
        for worker in self.workers:
            if worker.handle is not None and message.key not in worker.loaded:
                self._create_task(self._load_again(worker, message))
        self._on_free()
        first = results[0]
        assert isinstance(first, ModelDescription)
        return first

    def unload(self, key: ModelKey) -> None:
        """Forget a model in every worker."""
        self._loads.pop(key, None)
        self._rates.pop(key, None)
        for worker in self.workers:
            worker.unload(key)

    def token_budget(self, key: ModelKey, waiting: int) -> int:
        """Say how many tokens of a model make a batch that doesn't take too long.

        Args:
            waiting: tokens of all that waits.
        """
        most, seconds = self._settings.batch_tokens, self._settings.batch_s
        return token_budget(self._rates[key].per_second, waiting, most, seconds)

    def free_worker(self, key: ModelKey, waiting: int) -> PoolWorker | None:
        """Find a worker to give a batch to.

        Args:
            key: the model.
            waiting: tokens of all that waits.
        """
        most = _MAX_BATCHES if waiting >= self._least_second else 1
        free = [
            worker for worker in self.workers if key in worker.loaded and len(worker.batches) < most
        ]
        return min(free, key=lambda worker: worker.tokens, default=None)

    def has(self, key: ModelKey) -> bool:
        """Tell whether a model is, or will be, in some worker."""
        return key in self._loads

    def send(
        self,
        worker: PoolWorker,
        model: ModelKey,
        method: str,
        options: tuple[tuple[str, Any], ...],
        inputs: tuple[Any, ...],
        tokens: int,
        finished: Callable[[BatchResult], None],
        lost: Callable[[bool], None],
    ) -> None:
        """Give a worker a batch; all arguments as in RunBatch and PendingBatch."""
        message = RunBatch(next(self._numbers), model, method, options, inputs)
        worker.send(PendingBatch(message, tokens, finished, lost))

    def _finished(self, batch: PendingBatch, result: BatchResult) -> None:
        """Take note of a batch that is done, and pass it on."""
        if batch.tokens and not result.errors:
            self._rates[batch.message.model].add(batch.tokens, result.seconds)
            self._worker_rate.add(batch.tokens, result.seconds)
            self.throughput.add(batch.tokens)
        self._on_free()
        batch.finished(result)

    async def _start(self, worker: PoolWorker) -> WorkerHandle:
        """Start what computes for a worker."""
        if self._settings.workers == 0:
            return WorkerThread(self._threads, worker.receive)
        return await WorkerProcess.start(self._threads, worker.receive, partial(self._lost, worker))

    def _lost(self, worker: PoolWorker) -> None:
        """Answer what a worker held that is gone, and replace it."""
        if self._stopping:
            for batch in worker.detach():
                batch.lost(True)
            return
        pid, stalled, started = worker.pid or 0, worker.stalled, worker.started
        handle = worker.handle
        batches = worker.detach()
        inputs = sum(len(batch.message.inputs) for batch in batches[:1])
        _log.error(
            "worker %d (process %d) %s; %d inputs fail, it is restarted",
            worker.number, pid, "stalled" if stalled else "died", inputs,
        )  # fmt: skip
        self._observe(WorkerLost(worker.number, pid, stalled, inputs))
        for index, batch in enumerate(batches):
            batch.lost(index == 0)
        self._create_task(self._restart(worker, handle, started))

    async def _restart(
        self, worker: PoolWorker, handle: WorkerHandle | None, started: float
    ) -> None:
        """Start a worker again, and load what it had."""
        if handle is not None:
            await handle.close(0)
        worker.failures = worker.failures + 1 if time.monotonic() - started < _YOUNG_S else 0
        if worker.failures:
            pause = _FIRST_PAUSE_S * 2 ** min(worker.failures - 1, 16)
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_S))
        worker.restarts += 1
        worker.attach(await self._start(worker))
        for message in list(self._loads.values()):
            self._create_task(self._load_again(worker, message))

    async def _load_again(self, worker: PoolWorker, message: LoadModel) -> None:
        """Load a model in a worker that was restarted, however often it takes."""
        handle = worker.handle
        while worker.handle is handle and message.key in self._loads:
            try:
                await worker.load(message)
            except (BertieError, OSError) as error:
                _log.error(
                    "worker %d can't load %s again: %s", worker.number, message.key.name, error
                )
                await asyncio.sleep(_LONGEST_PAUSE_S)
            else:
                self._on_free()
                return

    async def _watch(self) -> None:
        """Replace workers that fall silent."""
        timeout = self._settings.stall_s
        while True:
            await asyncio.sleep(min(timeout / 4, 1.0))
            for worker in self.workers:
                if worker.handle is not None and worker.overdue(self._batch_timeout, timeout) > 0:
                    worker.stalled = True
                    worker.handle.kill()

    def _batch_timeout(self, batch: PendingBatch) -> float:
        """Say how long a batch may take."""
        rate = self._rates[batch.message.model].per_second
        stall_s = self._settings.stall_s
        return stall_s + _TIMEOUT_FACTOR * (batch.tokens / rate if rate else stall_s)

    def _create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, and keep the loop from forgetting it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _threads_each(settings: SchedulingSettings) -> int:
    """Share cores out to workers."""
    cores = settings.threads or _core.available_cores()
    return max(cores // max(settings.workers, 1), 1)
