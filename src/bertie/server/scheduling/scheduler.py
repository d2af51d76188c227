"""The scheduler: requests to queued inputs, those to batches for workers, answers to requests.

It never waits for more to come: a batch is made when a worker can take one, of what waits then.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from bertie.errors import DeadlineExceeded, EngineFailed, ServerError
from bertie.server.scheduling.bisection import with_position
from bertie.server.scheduling.cache import MISSING, Cache
from bertie.server.scheduling.events import BatchFinished, BatchStarted, Observer
from bertie.server.scheduling.fair_queue import FairQueue
from bertie.server.scheduling.messages import BatchResult
from bertie.server.scheduling.pool import Pool
from bertie.server.scheduling.pool_worker import PoolWorker
from bertie.server.scheduling.queued_input import (
    BatchKey,
    Bucket,
    PendingRequest,
    QueuedInput,
    Stage,
)
from bertie.server.settings import SchedulingSettings

_log = logging.getLogger(__name__)


class Scheduler:
    """Everything between an admitted request and its answers.

    Attributes:
        pool: the workers.
        queue: the inputs that wait.
        cache: answers that are remembered, or None.
    """

    def __init__(self, settings: SchedulingSettings, observe: Observer) -> None:
        self.pool = Pool(settings, self._wake, observe)
        self.queue = FairQueue()
        self._observe = observe
        self.cache = Cache(settings.cache_bytes) if settings.cache_bytes else None
        self._awake = False

    def submit(
        self,
        key: BatchKey,
        fingerprint: str,
        inputs: Sequence[Any],
        tokens: Sequence[int],
        *,
        priority: int,
        deadline: float | None,
    ) -> PendingRequest:
        """Let inputs be computed.

        Args:
            key: the model, the method and the options.
            fingerprint: the model's.
            inputs: at least one.
            tokens: that each costs.
            priority, deadline: as in InferenceRequest.
        Returns: await its `done`, then take its `answers`. Whoever stops waiting, for whatever
            reason, calls `release`.
        """
        loop = asyncio.get_running_loop()
        request = PendingRequest(len(inputs), loop.create_future())
        bucket = self.queue.bucket(key, fingerprint)
        tag = self.queue.clock
        for position, (one, cost) in enumerate(zip(inputs, tokens, strict=True)):
            if self.cache is not None:
                known = self.cache.get((bucket.cache_key, one))
                if known is not MISSING:
                    request.set_answer(position, known)
                    continue
            tag += cost
            item = bucket.in_flight.get(one)
            if item is None:
                item = QueuedInput(bucket, one, cost, priority, tag)
                self.queue.push(item)
            elif item.stage is Stage.WAITING:
                self.queue.promote(item, priority, tag)
            item.waiters.append((request, position))
            request.items.append(item)
        if deadline is not None:
            request.timer = loop.call_later(deadline - time.monotonic(), _expire, request)
        self._wake()
        return request

    def release(self, request: PendingRequest) -> None:
        """Let go of what a request still waits for, where no other does."""
        if request.timer is not None:
            request.timer.cancel()
        if not request.remaining:
            return
        for item in request.items:
            if item.stage is Stage.REMOVED:
                continue
            item.waiters = [waiter for waiter in item.waiters if waiter[0] is not request]
            if not item.waiters and item.stage is Stage.WAITING:
                self.queue.remove(item)

    def fail_all(self, error: EngineFailed) -> None:
        """Give up on everything that waits or is computed."""
        for bucket in self.queue.buckets():
            for item in list(bucket.in_flight.values()):
                self._fail(item, error)

    def _wake(self) -> None:
        """Make batches, once all that happens at this moment has happened."""
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        """Give workers batches, as long as there are workers and inputs."""
        self._awake = False
        while (item := self.queue.peek()) is not None:
            model = item.bucket.key.model
            worker = self.pool.free_worker(model, self.queue.tokens)
            if worker is None:
                if self.pool.has(model):
                    return
                self._fail(item, EngineFailed(f"model {model.name!r} is gone: ask again"))
                continue
            self._send(worker, item.bucket)

    def _send(self, worker: PoolWorker, bucket: Bucket) -> None:
        """Give a worker the next batch of a bucket."""
        key, name = bucket.key, bucket.key.model.name
        budget = self.pool.token_budget(key.model, self.queue.tokens)
        items = self.queue.take(bucket, budget)
        tokens = sum(item.tokens for item in items)

        def finished(result: BatchResult) -> None:
            self._finish(items, result)
            self._observe(
                BatchFinished(
                    name, key.method, len(items), tokens, result.seconds, len(result.errors)
                )
            )

        def lost(begun: bool) -> None:
            self._lose(items, begun)

        inputs = tuple(item.input for item in items)
        try:
            self.pool.send(worker, *key, inputs, tokens, finished, lost)
        except Exception as error:  # whatever can't be sent must not be waited for
            _log.exception("a batch of %s can't be sent", name)
            for item in items:
                self._fail(item, ServerError(f"the request can't be sent to a worker: {error}"))
            return
        self._observe(BatchStarted(name, key.method, len(items), tokens, budget))

    def _finish(self, items: list[QueuedInput], result: BatchResult) -> None:
        """Give the answers of a batch to the requests that wait for them."""
        for index, (item, answer) in enumerate(zip(items, result.answers, strict=True)):
            error = result.errors.get(index) if result.errors else None
            self.queue.remove(item)
            if self.cache is not None and error is None:
                self.cache.put((item.bucket.cache_key, item.input), answer)
            for request, position in item.waiters:
                if error is not None:
                    request.fail(with_position(error, position))
                else:
                    request.inference_s = result.seconds
                    request.set_answer(position, answer)

    def _lose(self, items: list[QueuedInput], begun: bool) -> None:
        """Fail the inputs that a dead worker computed; let those wait again that it only held."""
        error = EngineFailed("the engine failed while it computed this: ask again")
        for item in items:
            if not item.waiters:
                self.queue.remove(item)
            elif begun or item.retried:
                self._fail(item, error)
            else:
                item.retried = True
                self.queue.push(item)
        self._wake()

    def _fail(self, item: QueuedInput, error: BaseException) -> None:
        """Give an input's error to all requests that wait for it."""
        self.queue.remove(item)
        for request, _ in item.waiters:
            request.fail(error)


def _expire(request: PendingRequest) -> None:
    """Tell a request that its time is over."""
    request.fail(
        DeadlineExceeded("the time that the request had is over: give it more, or ask less")
    )
