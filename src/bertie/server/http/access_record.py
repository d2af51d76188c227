"""The record of a request that is done with, for metrics, log and traces; none of its texts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bertie.server.scheduling.inference import InferenceResponse


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One request, done with.

    Attributes:
        id: its name.
        api: whose words it spoke.
        method: HTTP's, or "gRPC".
        route: its path as the table of routes has it, or gRPC's; "" where there is none.
        status: HTTP's, 499 where the caller was gone; gRPC's name of it.
        error: a key of errors.KINDS, "gone", or None where it was answered.
        seconds: from its head to its answer.
        task: what its model is for, or None where it asks none.
        model: the model that was found last, or None.
        inputs: how many it asked about.
        responses: what the service gave.
        received, sent: bytes of the bodies.
        traceparent: the caller's place in a trace, or "".
    """

    id: str
    api: str
    method: str
    route: str
    status: int | str
    error: str | None
    seconds: float
    task: str | None
    model: str | None
    inputs: int
    responses: tuple[InferenceResponse, ...]
    received: int
    sent: int
    traceparent: str


Observer: TypeAlias = Callable[[AccessRecord], None]
