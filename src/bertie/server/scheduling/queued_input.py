"""A queued input: a single input of a request, as the scheduler moves it about."""

import asyncio
from enum import Enum
from typing import Any, NamedTuple

from bertie.server.scheduling.messages import ModelKey


class Stage(Enum):
    """Where an input is."""

    WAITING = "waiting"
    RUNNING = "running"
    REMOVED = "removed"


class PendingRequest:
    """A request that waits for answers.

    Attributes:
        answers: of the inputs, in order, as they come.
        remaining: how many are to come.
        done: the request's end: None, or its error.
        items: its inputs that were queued.
        inference_s: seconds that the last batch took.
        timer: ends it at its deadline; None where it has none.
    """

    __slots__ = ("answers", "done", "inference_s", "items", "remaining", "timer")

    def __init__(self, count: int, done: "asyncio.Future[None]") -> None:
        self.answers: list[Any] = [None] * count
        self.remaining = count
        self.done = done
        self.items: list[QueuedInput] = []
        self.inference_s = 0.0
        self.timer: asyncio.TimerHandle | None = None

    def set_answer(self, position: int, answer: Any) -> None:
        """Take an answer."""
        self.answers[position] = answer
        self.remaining -= 1
        if not self.remaining and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Take an error for the whole request; the first one counts."""
        if not self.done.done():
            self.done.set_exception(error)


class QueuedInput:
    """One input, of one request or of several that have the same at the same time.

    Attributes:
        bucket: those that may share a batch with it.
        input: what the method takes.
        tokens: that it costs to compute.
        priority: the higher is computed first.
        tag: orders inputs of the same priority; see fair_queue.
        waiters: the requests that wait for it, each with the input's position there.
        stage: where it is.
        retried: whether a worker that died held it before it was computed.
    """

    __slots__ = ("bucket", "input", "priority", "retried", "stage", "tag", "tokens", "waiters")

    def __init__(self, bucket: "Bucket", input: Any, tokens: int, priority: int, tag: int) -> None:
        self.bucket = bucket
        self.input = input
        self.tokens = tokens
        self.priority = priority
        self.tag = tag
        self.waiters: list[tuple[PendingRequest, int]] = []
        self.stage = Stage.WAITING
        self.retried = False


class BatchKey(NamedTuple):
    """What inputs must have in common to share a batch.

    Attributes:
        model: which.
        method: a key of METHODS.
        options: the method's keyword arguments.
    """

    model: ModelKey
    method: str
    options: tuple[tuple[str, Any], ...]


class Bucket:
    """The queued inputs that may share a batch.

    Attributes:
        key: what they have in common.
        heap: those that wait, the next one first, and some that don't any more.
        in_flight: every one that waits or is computed, by its input.
        cache_key: what an answer depends on beside its input.
    """

    __slots__ = ("cache_key", "heap", "in_flight", "key")

    def __init__(self, key: BatchKey, fingerprint: str) -> None:
        self.key = key
        self.cache_key = (fingerprint, key.method, key.options)
        self.heap: list[tuple[int, int, int, QueuedInput]] = []
        self.in_flight: dict[Any, QueuedInput] = {}
