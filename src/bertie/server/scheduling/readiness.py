"""Readiness: a real inference of every loaded model through every worker."""

import asyncio
import time

from bertie.errors import BertieError, EngineFailed
from bertie.server.methods import METHODS
from bertie.server.scheduling.messages import Ran
from bertie.server.scheduling.pool import Pool
from bertie.server.scheduling.registry import FAILED, ModelEntry, Registry, Serving
from bertie.server.scheduling.state import Readiness
from bertie.server.scheduling.workers import Batch, Worker

# Seconds for which an answer is good.
_FRESH = 1.0


class Prober:
    """Asks the workers, at most once at a time and once a second, however many want to know."""

    def __init__(self, pool: Pool, registry: Registry, patience: float) -> None:
        """Begin without an answer.

        Args:
            pool, registry: what to ask about.
            patience: seconds that all inferences together may take.
        """
        self._pool = pool
        self._registry = registry
        self._patience = patience
        self._asking: asyncio.Task[Readiness] | None = None
        self._asked = 0.0

    async def ready(self) -> Readiness:
        """Say whether every worker answers for every loaded model."""
        now = time.monotonic()
        fresh = now - self._asked < _FRESH
        if self._asking is None or (self._asking.done() and not fresh):
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Readiness:
        """Ask every worker."""
        try:
            return await self._found()
        finally:
            self._asked = time.monotonic()

    async def _found(self) -> Readiness:
        """Find what keeps the server from being ready."""
        failed = [entry for entry in self._registry if entry.state == FAILED]
        if failed and len(failed) == len(list(self._registry)):  # one that works is worth asking
            first = failed[0]
            return Readiness(False, f"model {first.name!r} can't be loaded: {first.error}")
        for worker in self._pool.workers:
            if worker.link is None:
                return Readiness(False, f"worker {worker.number} is being restarted")
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.gather(
                    *(
                        self._probe(worker, entry.loaded, entry)
                        for worker in self._pool.workers
                        for entry in self._registry
                        if entry.loaded is not None
                    )
                )
        except TimeoutError:
            return Readiness(False, f"an inference took more than {self._patience:g} seconds")
        except BertieError as error:
            return Readiness(False, str(error))
        return Readiness(True)

    async def _probe(self, worker: Worker, serving: Serving, entry: ModelEntry) -> None:
        """Ask one worker for one inference. Raises: BertieError: it fails."""
        if serving.key not in worker.loaded:
            raise EngineFailed(f"worker {worker.number} is loading {entry.name!r}")
        task = serving.description.task
        call, method = next((n, m) for n, m in METHODS.items() if m.task == task)
        mask = serving.description.settings.get("mask_token")
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def finished(_: Batch, ran: Ran) -> None:
            if answer.done():
                return
            if ran.errors:
                answer.set_exception(EngineFailed(f"model {entry.name!r}: {ran.errors[0]}"))
            else:
                answer.set_result(None)

        def lost(_: Batch, __: bool) -> None:
            if not answer.done():
                answer.set_exception(EngineFailed(f"worker {worker.number} is being restarted"))

        probe = method.probe(str(mask.value) if mask is not None else "")
        self._pool.send(
            worker, serving.key, call, method.probe_options, (probe,), 0, finished, lost
        )
        await answer
