"""Units: single inputs of requests, as the scheduler moves them about."""

import asyncio
from enum import Enum
from typing import Any, NamedTuple

from bertie.server.scheduling.messages import Key


class Stage(Enum):
    """Where a unit is."""

    WAITING = "waiting"
    RUNNING = "running"
    GONE = "gone"


class Job:
    """The units of one request.

    Attributes:
        answers: of the inputs, in order, as they come.
        left: how many are to come.
        done: the request's end: None, or its error.
        units: those that are to come.
        inference_s: seconds that the last batch took.
        late: ends it when its time is over, or None.
    """

    __slots__ = ("answers", "done", "inference_s", "late", "left", "units")

    def __init__(self, count: int, done: "asyncio.Future[None]") -> None:
        self.answers: list[Any] = [None] * count
        self.left = count
        self.done = done
        self.units: list[Unit] = []
        self.inference_s = 0.0
        self.late: asyncio.TimerHandle | None = None

    def settle(self, position: int, answer: Any) -> None:
        """Take an answer."""
        self.answers[position] = answer
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Take an error for the whole request; the first one counts."""
        if not self.done.done():
            self.done.set_exception(error)


class Unit:
    """One input, of one request or of several that ask the same at the same time.

    Attributes:
        lane: what may share a batch with it.
        input: what the method takes.
        tokens: that it costs to compute.
        priority: the higher is computed first.
        tag: its place among units of its priority.
        claims: the requests that want it, each with the input's position there.
        stage: where it is.
        retried: whether a worker that died held it before it was computed.
    """

    __slots__ = ("claims", "input", "lane", "priority", "retried", "stage", "tag", "tokens")

    def __init__(self, lane: "Lane", input: Any, tokens: int, priority: int, tag: int) -> None:
        self.lane = lane
        self.input = input
        self.tokens = tokens
        self.priority = priority
        self.tag = tag
        self.claims: list[tuple[Job, int]] = []
        self.stage = Stage.WAITING
        self.retried = False


class Group(NamedTuple):
    """What units must have in common to share a batch.

    Attributes:
        key: the model.
        call: a key of METHODS.
        options: the method's keyword arguments.
    """

    key: Key
    call: str
    options: tuple[tuple[str, Any], ...]


class Lane:
    """The units of one group.

    Attributes:
        group: what they have in common.
        waiting: a heap of those that wait, and of some that don't any more.
        flights: every unit that waits or is computed, by its input.
        identity: what an answer depends on beside its input.
    """

    __slots__ = ("flights", "group", "identity", "waiting")

    def __init__(self, group: Group, fingerprint: str) -> None:
        self.group = group
        self.identity = (fingerprint, group.call, group.options)
        self.waiting: list[tuple[int, int, int, Unit]] = []
        self.flights: dict[Any, Unit] = {}
