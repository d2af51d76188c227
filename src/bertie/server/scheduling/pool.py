"""The pool: as many workers as the settings say, each replaced when it dies or falls silent."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from bertie import _core
from bertie.errors import BertieError
from bertie.server.scheduling.events import Observer, WorkerLost
from bertie.server.scheduling.links import Link, ProcessLink, ThreadLink
from bertie.server.scheduling.messages import Description, Key, Load, Ran, Run
from bertie.server.scheduling.rates import Rate, Throughput, budget
from bertie.server.scheduling.workers import Batch, Worker
from bertie.server.settings import EngineSettings

_log = logging.getLogger(__name__)

# A batch may take so many times what its tokens took of late, beside the patience of the settings.
_SLOWER = 4.0
# A process that lived for less time, in seconds, is replaced after a pause, which doubles up to so
# many seconds.
_YOUNG = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# Batches that a worker has at once: one is computed, one is there when it is done.
_AT_ONCE = 2
# What a second batch has at least, in this part of a whole one: a smaller one waits, and grows.
_WORTH = 0.125


class Pool:
    """All workers.

    Attributes:
        workers: by number.
        rate: how fast they compute, all together.
        throughput: how much they compute.
    """

    def __init__(
        self, settings: EngineSettings, freed: Callable[[], None], observe: Observer
    ) -> None:
        """Plan the workers.

        Args:
            settings: how many, how large batches are, how long to wait.
            freed: is told when a worker can take a batch that couldn't before.
            observe: is told when a worker is lost.
        """
        self._settings = settings
        self._freed = freed
        self._observe = observe
        self._worth = max(int(settings.batch_tokens * _WORTH), 1)
        self._threads = _threads(settings)
        self._models: dict[Key, Load] = {}
        self._rates: dict[Key, Rate] = defaultdict(Rate)
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._one = Rate()
        self.throughput = Throughput()
        self.workers = [Worker(n, self._finished) for n in range(max(settings.workers, 1))]

    @property
    def rate(self) -> float:
        """Tokens in a second that all workers can compute; 0 while nothing is known."""
        return self._one.per_second * len(self.workers)

    async def start(self) -> None:
        """Start every worker."""
        for worker in self.workers:
            worker.attach(await self._link(worker))
        self._keep(self._watch())

    async def stop(self, patience: float) -> None:
        """End every worker, by force after so many seconds."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        links = [worker.link for worker in self.workers if worker.link is not None]
        await asyncio.gather(*(link.close(patience) for link in links))

    async def load(self, load: Load) -> Description:
        """Load a model in every worker.

        Raises: whatever bertie.load raises. Raises: EngineFailed: a worker died of it.
        """
        while not (running := [worker for worker in self.workers if worker.link is not None]):
            await asyncio.sleep(_FIRST_PAUSE)  # they are being started
        results = await asyncio.gather(
            *(worker.load(load) for worker in running), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                self.drop(load.key)
                raise result
        self._models[load.key] = load
        # One that was restarted in the meantime didn't know of it.
        for worker in self.workers:
            if worker.link is not None and load.key not in worker.loaded:
                self._keep(self._reload(worker, load))
        self._freed()
        first = results[0]
        assert isinstance(first, Description)
        return first

    def drop(self, key: Key) -> None:
        """Forget a model in every worker."""
        self._models.pop(key, None)
        self._rates.pop(key, None)
        for worker in self.workers:
            worker.drop(key)

    def budget(self, key: Key, waiting: int) -> int:
        """Say how many tokens of a model make a batch that doesn't take too long.

        Args:
            waiting: tokens of all that waits.
        """
        most, seconds = self._settings.batch_tokens, self._settings.batch_s
        return budget(self._rates[key].per_second, waiting, most, seconds)

    def free(self, key: Key, waiting: int) -> Worker | None:
        """Find a worker to give a batch to.

        Args:
            key: the model.
            waiting: tokens of all that waits.
        """
        most = _AT_ONCE if waiting >= self._worth else 1
        free = [
            worker for worker in self.workers if key in worker.loaded and len(worker.batches) < most
        ]
        return min(free, key=lambda worker: worker.tokens, default=None)

    def lives(self, key: Key) -> bool:
        """Tell whether a model is, or will be, in some worker."""
        return key in self._models

    def send(
        self,
        worker: Worker,
        key: Key,
        call: str,
        options: tuple[tuple[str, Any], ...],
        inputs: tuple[Any, ...],
        tokens: int,
        finished: Callable[[Batch, Ran], None],
        lost: Callable[[Batch, bool], None],
    ) -> None:
        """Give a worker a batch; all arguments as in Run and Batch."""
        run = Run(next(self._numbers), key, call, options, inputs)
        worker.send(Batch(run, tokens, finished, lost))

    def _finished(self, worker: Worker, batch: Batch, ran: Ran) -> None:
        """Take note of a batch that is done, and pass it on."""
        if batch.tokens and not ran.errors:
            self._rates[batch.run.key].add(batch.tokens, ran.seconds)
            self._one.add(batch.tokens, ran.seconds)
            self.throughput.add(batch.tokens)
        self._freed()
        batch.finished(batch, ran)

    async def _link(self, worker: Worker) -> Link:
        """Start what computes for a worker."""
        if self._settings.workers == 0:
            return ThreadLink(self._threads, worker.receive)
        return await ProcessLink.start(self._threads, worker.receive, partial(self._lost, worker))

    def _lost(self, worker: Worker) -> None:
        """Answer what a worker held that is gone, and replace it."""
        if self._stopping:
            for batch in worker.detach():
                batch.lost(batch, True)
            return
        pid, stalled, born = worker.pid or 0, worker.stalled, worker.born
        link = worker.link
        held = worker.detach()
        inputs = sum(len(batch.run.inputs) for batch in held[:1])
        _log.error(
            "worker %d (process %d) %s; %d inputs fail, it is restarted",
            worker.number, pid, "stalled" if stalled else "died", inputs,
        )  # fmt: skip
        self._observe(WorkerLost(worker.number, pid, stalled, inputs))
        for place, batch in enumerate(held):
            batch.lost(batch, place == 0)
        self._keep(self._revive(worker, link, born))

    async def _revive(self, worker: Worker, link: Link | None, born: float) -> None:
        """Start a worker again, and load what it had."""
        if link is not None:
            await link.close(0)
        worker.failures = worker.failures + 1 if time.monotonic() - born < _YOUNG else 0
        if worker.failures:
            pause = _FIRST_PAUSE * 2 ** min(worker.failures - 1, 16)
            await asyncio.sleep(min(pause, _LONGEST_PAUSE))
        worker.restarts += 1
        worker.attach(await self._link(worker))
        for load in list(self._models.values()):
            self._keep(self._reload(worker, load))

    async def _reload(self, worker: Worker, load: Load) -> None:
        """Load a model in a worker that was restarted, however often it takes."""
        link = worker.link
        while worker.link is link and load.key in self._models:
            try:
                await worker.load(load)
            except (BertieError, OSError) as error:
                _log.error("worker %d can't load %s again: %s", worker.number, load.key[0], error)
                await asyncio.sleep(_LONGEST_PAUSE)
            else:
                self._freed()
                return

    async def _watch(self) -> None:
        """Replace workers that fall silent."""
        patience = self._settings.stall_s
        while True:
            await asyncio.sleep(min(patience / 4, 1.0))
            for worker in self.workers:
                if worker.link is not None and worker.silence(self._patience, patience) > 0:
                    worker.stalled = True
                    worker.link.kill()

    def _patience(self, batch: Batch) -> float:
        """Say how long a batch may take."""
        rate = self._rates[batch.run.key].per_second
        beyond = self._settings.stall_s
        return beyond + (_SLOWER * batch.tokens / rate if rate else _SLOWER * beyond)

    def _keep(self, work: Any) -> None:
        """Run something beside, and don't let go of it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _threads(settings: EngineSettings) -> int:
    """Share cores out to workers."""
    cores = settings.threads or _core.available_cores()
    return max(cores // max(settings.workers, 1), 1)
