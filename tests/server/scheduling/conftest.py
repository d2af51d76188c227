"""Services on the tests' models, each on an event loop of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.server.scheduling.events import BatchStarted, Event
from bertie.server.scheduling.inference import InferenceRequest, InferenceResponse
from bertie.server.scheduling.service import Service
from bertie.server.settings import ModelSettings, SchedulingSettings, Settings
from tests.editing import edit_tensors
from tests.tasks.heads import add_head
from tests.timeouts import TIMEOUT


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something on an event loop of its own, and not for ever."""

    async def bounded() -> Any:
        async with asyncio.timeout(TIMEOUT):
            return await work

    return asyncio.run(bounded())


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Service]:
    """Run a service.

    Args:
        options: fields of SchedulingSettings; models: by name a source, or a source and options
            of bertie.load.
    """
    models = {
        name: ModelSettings(str(source))
        if not isinstance(source, tuple)
        else ModelSettings(str(source[0]), source[1])
        for name, source in options.pop("models").items()
    }
    service = Service(Settings(engine=SchedulingSettings(threads=1, **options), models=models))
    try:
        await service.start()
        yield service
    finally:
        await service.stop(0)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    while not holds():
        await asyncio.sleep(0.01)


async def embed(
    service: Service, *texts: str, model: str = "tiny", **others: Any
) -> InferenceResponse:
    """Embed texts."""
    return await service.infer(InferenceRequest(model, "embed", texts, **others))


@pytest.fixture(scope="session")
def library(tiny_sentence: Path) -> Any:
    """The model that the services serve, in the library."""
    return bertie.load(tiny_sentence, threads=1)


@contextmanager
def paused_worker(service: Service) -> Iterator[None]:
    """Hold the only worker's process still."""
    pid = service.state().workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def batch_sizes(service: Service) -> list[int]:
    """Collect how many inputs each batch from now on has."""
    sizes: list[int] = []

    def observe(event: Event) -> None:
        if isinstance(event, BatchStarted):
            sizes.append(event.inputs)

    service.observers.append(observe)
    return sizes


@pytest.fixture
def poisoned(bert: Path) -> Path:
    """A classifier whose logits overflow where a text has the word 水, and only there."""
    add_head(bert, "sequence_classification", 3, labels=["a", "b", "c"])

    def poison(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        words = tensors["embeddings.word_embeddings.weight"]
        words[(bert / "vocab.txt").read_text().split("\n").index("水")] = 3e38
        return tensors

    edit_tensors(bert, poison)
    return bert
