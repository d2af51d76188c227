"""Readiness: the probe is a real inference of every loaded model through every worker."""

import asyncio
import time
from dataclasses import dataclass

from bertie.errors import BertieError, EngineFailed
from bertie.server.methods import METHODS
from bertie.server.scheduling.messages import BatchResult
from bertie.server.scheduling.pool import Pool
from bertie.server.scheduling.pool_worker import PoolWorker
from bertie.server.scheduling.registry import FAILED, LoadedModel, ModelEntry, Registry

# Seconds for which a result is good.
_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether every worker answers.

    Attributes:
        ready: whether.
        reason: why not; empty where it is.
    """

    ready: bool
    reason: str = ""


class Prober:
    """Probes the workers, at most once at a time and once a second, however many want to know."""

    def __init__(self, pool: Pool, registry: Registry, timeout_s: float) -> None:
        """Begin without a result.

        Args:
            pool, registry: what to probe.
            timeout_s: seconds that all inferences together may take.
        """
        self._pool = pool
        self._registry = registry
        self._timeout_s = timeout_s
        self._task: asyncio.Task[Readiness] | None = None
        self._finished_at = 0.0

    async def ready(self) -> Readiness:
        """Say whether every worker answers for every loaded model."""
        fresh = time.monotonic() - self._finished_at < _FRESH_S
        if self._task is None or (self._task.done() and not fresh):
            self._task = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._task)

    async def _run(self) -> Readiness:
        """Probe every worker, and take note of when."""
        try:
            return await self._probe_all()
        finally:
            self._finished_at = time.monotonic()

    async def _probe_all(self) -> Readiness:
        """Find what keeps the server from being ready."""
        failed = [entry for entry in self._registry if entry.state == FAILED]
        if failed and len(failed) == len(list(self._registry)):  # one that works is worth a probe
            first = failed[0]
            return Readiness(False, f"model {first.name!r} can't be loaded: {first.error}")
        for worker in self._pool.workers:
            if worker.handle is None:
                return Readiness(False, f"worker {worker.number} is being restarted")
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.gather(
                    *(
                        self._probe(worker, entry.loaded, entry)
                        for worker in self._pool.workers
                        for entry in self._registry
                        if entry.loaded is not None
                    )
                )
        except TimeoutError:
            return Readiness(False, f"an inference took more than {self._timeout_s:g} seconds")
        except BertieError as error:
            return Readiness(False, str(error))
        return Readiness(True)

    async def _probe(self, worker: PoolWorker, model: LoadedModel, entry: ModelEntry) -> None:
        """Have one worker do one inference. Raises: BertieError: it fails."""
        if model.key not in worker.loaded:
            raise EngineFailed(f"worker {worker.number} is loading {entry.name!r}")
        task = model.description.task
        name, method = next((n, m) for n, m in METHODS.items() if m.task == task)
        mask = model.description.settings.get("mask_token")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def finished(result: BatchResult) -> None:
            if done.done():
                return
            if result.errors:
                done.set_exception(EngineFailed(f"model {entry.name!r}: {result.errors[0]}"))
            else:
                done.set_result(None)

        def lost(_: bool) -> None:
            if not done.done():
                done.set_exception(EngineFailed(f"worker {worker.number} is being restarted"))

        probe = method.probe(str(mask.value) if mask is not None else "")
        options = method.probe_options
        self._pool.send(worker, model.key, name, options, (probe,), 0, finished, lost)
        await done
