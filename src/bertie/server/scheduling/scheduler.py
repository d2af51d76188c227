"""The scheduler: requests to units, units to batches, batches to workers, answers to requests.

It never waits for more to come: a batch is made when a worker can take one, of what waits then.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from bertie.errors import DeadlineExceeded, EngineFailed, ServerError
from bertie.server.scheduling.cache import MISSING, Cache
from bertie.server.scheduling.events import BatchFinished, BatchStarted, Observer
from bertie.server.scheduling.halving import located
from bertie.server.scheduling.messages import Ran
from bertie.server.scheduling.pool import Pool
from bertie.server.scheduling.unit import Group, Job, Lane, Stage, Unit
from bertie.server.scheduling.waiting import Waiting
from bertie.server.scheduling.workers import Batch
from bertie.server.settings import EngineSettings

_log = logging.getLogger(__name__)


class Scheduler:
    """Everything between an admitted request and its answers.

    Attributes:
        pool: the workers.
        waiting: the units that wait.
        cache: answers that are remembered, or None.
    """

    def __init__(self, settings: EngineSettings, observe: Observer) -> None:
        self.pool = Pool(settings, self._wake, observe)
        self.waiting = Waiting()
        self._observe = observe
        self.cache = Cache(settings.cache_bytes) if settings.cache_bytes else None
        self._awake = False

    def submit(
        self,
        group: Group,
        fingerprint: str,
        inputs: Sequence[Any],
        tokens: Sequence[int],
        *,
        priority: int,
        deadline: float | None,
    ) -> Job:
        """Let inputs be computed.

        Args:
            group: the model, the call and the options.
            fingerprint: the model's.
            inputs: at least one.
            tokens: that each costs.
            priority, deadline: as in InferenceRequest.
        Returns: a job; await its `done`, then take its `answers`. Whoever stops waiting, for
            whatever reason, calls `release`.
        """
        loop = asyncio.get_running_loop()
        job = Job(len(inputs), loop.create_future())
        lane = self.waiting.lane(group, fingerprint)
        tag = self.waiting.clock
        for position, (one, cost) in enumerate(zip(inputs, tokens, strict=True)):
            if self.cache is not None:
                known = self.cache.get((lane.identity, one))
                if known is not MISSING:
                    job.settle(position, known)
                    continue
            tag += cost
            unit = lane.flights.get(one)
            if unit is None:
                unit = Unit(lane, one, cost, priority, tag)
                self.waiting.push(unit)
            elif unit.stage is Stage.WAITING:
                self.waiting.hasten(unit, priority, tag)
            unit.claims.append((job, position))
            job.units.append(unit)
        if deadline is not None:
            job.late = loop.call_later(deadline - time.monotonic(), _expire, job)
        self._wake()
        return job

    def release(self, job: Job) -> None:
        """Let go of what a job still waits for, where nobody else does."""
        if job.late is not None:
            job.late.cancel()
        if not job.left:
            return
        for unit in job.units:
            if unit.stage is Stage.GONE:
                continue
            unit.claims = [claim for claim in unit.claims if claim[0] is not job]
            if not unit.claims and unit.stage is Stage.WAITING:
                self.waiting.withdraw(unit)

    def fail_all(self, error: EngineFailed) -> None:
        """Give up on everything that waits or is computed."""
        for lane in self.waiting.lanes():
            for unit in list(lane.flights.values()):
                self._fail(unit, error)

    def _wake(self) -> None:
        """Make batches, once all that happens at this moment has happened."""
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        """Give workers batches, as long as there are workers and units."""
        self._awake = False
        while (unit := self.waiting.head()) is not None:
            group = unit.lane.group
            worker = self.pool.free(group.key, self.waiting.tokens)
            if worker is None:
                if self.pool.lives(group.key):
                    return
                self._fail(unit, EngineFailed(f"model {group.key[0]!r} is gone: ask again"))
                continue
            self._send(worker, unit.lane)

    def _send(self, worker: Any, lane: Lane) -> None:
        """Give a worker the next batch of a lane."""
        group = lane.group
        budget = self.pool.budget(group.key, self.waiting.tokens)
        units = self.waiting.take(lane, budget)
        tokens = sum(unit.tokens for unit in units)

        def finished(batch: Batch, ran: Ran) -> None:
            self._finish(units, batch, ran)

        def lost(batch: Batch, begun: bool) -> None:
            self._lose(units, begun)

        inputs = tuple(unit.input for unit in units)
        try:
            self.pool.send(
                worker, group.key, group.call, group.options, inputs, tokens, finished, lost
            )
        except Exception as error:  # whatever can't be sent must not be waited for
            _log.exception("a batch of %s can't be sent", group.key[0])
            for unit in units:
                self._fail(unit, ServerError(f"the request can't be sent to a worker: {error}"))
            return
        self._observe(BatchStarted(group.key[0], group.call, len(units), tokens, budget))

    def _finish(self, units: list[Unit], batch: Batch, ran: Ran) -> None:
        """Give the answers of a batch to those who asked."""
        for place, (unit, answer) in enumerate(zip(units, ran.answers, strict=True)):
            error = ran.errors.get(place) if ran.errors else None
            self.waiting.forget(unit)
            if self.cache is not None and error is None:
                self.cache.put((unit.lane.identity, unit.input), answer)
            for job, position in unit.claims:
                if error is not None:
                    job.fail(located(error, position))
                else:
                    job.inference_s = ran.seconds
                    job.settle(position, answer)
        run = batch.run
        self._observe(
            BatchFinished(
                run.key[0], run.call, len(units), batch.tokens, ran.seconds, len(ran.errors)
            )
        )

    def _lose(self, units: list[Unit], begun: bool) -> None:
        """Fail the units that a dead worker computed; let those wait again that it only held."""
        error = EngineFailed("the engine failed while it computed this: ask again")
        for unit in units:
            if not unit.claims:
                self.waiting.forget(unit)
            elif begun or unit.retried:
                self._fail(unit, error)
            else:
                unit.retried = True
                self.waiting.push(unit)
        self._wake()

    def _fail(self, unit: Unit, error: BaseException) -> None:
        """Give a unit's error to all who asked."""
        self.waiting.withdraw(unit)
        for job, _ in unit.claims:
            job.fail(error)


def _expire(job: Job) -> None:
    """Tell a job that its time is over."""
    job.fail(DeadlineExceeded("the time that the request had is over: give it more, or ask less"))
