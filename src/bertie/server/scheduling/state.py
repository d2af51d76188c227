"""The state of a service at one moment, for the server's page and metrics."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker.

    Attributes:
        number: from 0.
        pid: its process; None while there is none.
        restarts: how often it was replaced.
        batches, inputs, tokens: that it has to do.
        models: the names of those that it has loaded.
    """

    number: int
    pid: int | None
    restarts: int
    batches: int
    inputs: int
    tokens: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The service at this moment.

    Attributes:
        requests: admitted and not answered.
        waiting_inputs, waiting_tokens: in the queue.
        running_inputs, running_tokens: with the workers.
        tokens_per_second: computed over the last few seconds.
        batch_tokens: of the last batch.
        batch_inputs: of the last batch.
        batch_fill: its tokens as a part of the most that a batch may have.
        cache_bytes, cache_answers, cache_hits, cache_misses: of remembered answers.
        refused: requests, since the start, that there was no room for.
        stopping: whether nothing is admitted any more.
        workers: each of them.
    """

    requests: int
    waiting_inputs: int
    waiting_tokens: int
    running_inputs: int
    running_tokens: int
    tokens_per_second: float
    batch_tokens: int
    batch_inputs: int
    batch_fill: float
    cache_bytes: int
    cache_answers: int
    cache_hits: int
    cache_misses: int
    refused: int
    stopping: bool
    workers: tuple[WorkerState, ...]
