"""What happens to requests, batches and workers, for whoever counts it. Never a text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A request has its answers, or its error.

    Attributes:
        model, method: as in InferenceRequest.
        inputs: how many.
        characters: of all inputs.
        tokens: that were read; 0 where the request failed before they were counted.
        truncated: tokens that were left out.
        cut: inputs that lost tokens.
        tokenization_s, queue_s, inference_s: as in InferenceResponse; 0 for what wasn't reached.
        error: None where it was answered; asyncio.CancelledError where the client went away.
    """

    model: str
    method: str
    inputs: int
    characters: int
    tokens: int
    truncated: int
    cut: int
    tokenization_s: float
    queue_s: float
    inference_s: float
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """A batch goes to a worker.

    Attributes:
        model, method: of all its inputs.
        inputs: how many.
        tokens: of all of them.
        budget: the most tokens that it might have.
    """

    model: str
    method: str
    inputs: int
    tokens: int
    budget: int


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """A batch is computed.

    Attributes:
        model, method, inputs, tokens: as in BatchStarted.
        seconds: that computing took.
        failed: inputs that have an error.
    """

    model: str
    method: str
    inputs: int
    tokens: int
    seconds: float
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker died or was killed, and another one is started.

    Attributes:
        worker: its number, from 0.
        pid: its process.
        stalled: whether it was killed for its silence.
        inputs: that it held; each has an EngineFailed.
    """

    worker: int
    pid: int
    stalled: bool
    inputs: int


Event: TypeAlias = RequestFinished | BatchStarted | BatchFinished | WorkerLost
Observer: TypeAlias = Callable[[Event], None]
