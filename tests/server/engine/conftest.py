"""Services on the tests' models, each on an event loop of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.server.engine.ask import Answered, Ask
from bertie.server.engine.service import Service
from bertie.server.settings import EngineSettings, ModelSettings, Settings

# Seconds; far more than anything here takes, for CI machines are slow at times.
PATIENCE = 60


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something on an event loop of its own, and not for ever."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await work

    return asyncio.run(bounded())


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Service]:
    """Run a service.

    Args:
        options: fields of EngineSettings; models: by name a source, or a source and load's options.
    """
    models = {
        name: ModelSettings(str(source))
        if not isinstance(source, tuple)
        else ModelSettings(str(source[0]), source[1])
        for name, source in options.pop("models").items()
    }
    service = Service(Settings(engine=EngineSettings(threads=1, **options), models=models))
    try:
        await service.start()
        yield service
    finally:
        await service.stop(0)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    while not holds():
        await asyncio.sleep(0.01)


async def embed(service: Service, *texts: str, model: str = "tiny", **others: Any) -> Answered:
    """Ask for vectors."""
    return await service.ask(Ask(model, "embed", texts, **others))


@pytest.fixture(scope="session")
def library(tiny_sentence: Path) -> Any:
    """The model that the services serve, in the library."""
    return bertie.load(tiny_sentence, threads=1)
