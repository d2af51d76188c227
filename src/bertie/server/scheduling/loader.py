"""The loader: which of the registry's models are in the workers, and how they come and go."""

import asyncio
import logging
import pickle
import time
from collections.abc import Mapping
from functools import partial
from itertools import count
from typing import Any

from bertie.errors import InputError
from bertie.loading.settle import purpose_of
from bertie.opened import GIVEN, Given, open_source
from bertie.server.configuration import check_options
from bertie.server.scheduling.messages import LoadModel, ModelKey
from bertie.server.scheduling.pool import Pool
from bertie.server.scheduling.registry import (
    FAILED,
    LOADING,
    READY,
    UNLOADED,
    LoadedModel,
    ModelEntry,
    Registry,
)

_log = logging.getLogger(__name__)

# Seconds between looks at whether an old model is still used.
_POLL_S = 0.05


class Loader:
    """Loads, reloads and unloads models while requests go on being answered."""

    def __init__(self, registry: Registry, pool: Pool, max_memory: int | None) -> None:
        """Begin with nothing loaded.

        Args:
            registry: all models.
            pool: the workers.
            max_memory: bytes that loaded models may take in all workers together.
        """
        self._registry = registry
        self._pool = pool
        self._generations = count(1)
        self._max_memory = max_memory
        self._loading: dict[str, asyncio.Task[LoadedModel]] = {}

    async def add(self, name: str, source: str, options: Mapping[str, Any]) -> ModelEntry:
        """Add a model and load it. Args, Raises: as Service.load."""
        if name in self._registry:
            raise InputError(f"model {name!r} is there already: reload it, or unload it first")
        entry = ModelEntry(name, source, check_options(options, f"model {name!r}"), time.time())
        self._registry.add(entry)
        try:
            await self.loaded(entry)
        except BaseException:
            self._registry.remove(name)
            raise
        return entry

    async def reload(self, entry: ModelEntry) -> ModelEntry:
        """Load a model again. Raises: as Service.reload."""
        async with entry.lock:
            before = entry.loaded
            await self._load(entry)
            if before is not None:
                self._retire(before)
        return entry

    async def remove(self, entry: ModelEntry) -> None:
        """Forget a model."""
        async with entry.lock:
            self._registry.remove(entry.name)
            self._unload(entry)

    async def loaded(self, entry: ModelEntry) -> LoadedModel:
        """Give a model as the workers have it, loaded once however many wait for it."""
        if entry.loaded is not None:
            return entry.loaded
        loading = self._loading.get(entry.name)
        if loading is None:
            loading = asyncio.get_running_loop().create_task(self._load_once(entry))
            self._loading[entry.name] = loading
            loading.add_done_callback(partial(self._load_finished, entry.name))
        return await asyncio.shield(loading)

    def _load_finished(self, name: str, loading: "asyncio.Task[LoadedModel]") -> None:
        """Take note that a model is loaded, or failed, though nobody may wait for it any more."""
        self._loading.pop(name, None)
        if not loading.cancelled():
            loading.exception()

    async def _load_once(self, entry: ModelEntry) -> LoadedModel:
        """Load a model, unless somebody else has in the meantime."""
        async with entry.lock:
            return entry.loaded or await self._load(entry)

    async def _load(self, entry: ModelEntry) -> LoadedModel:
        """Load a model in every worker, and let requests go to it from then on."""
        key = ModelKey(entry.name, next(self._generations))
        if entry.loaded is None:
            entry.state = LOADING
        try:
            description = await self._pool.load(LoadModel(key, entry.source, entry.options))
            tokenizer = await asyncio.get_running_loop().run_in_executor(
                None, pickle.loads, description.tokenizer
            )
        except BaseException as error:
            if entry.loaded is None:
                entry.state, entry.error = FAILED, error
            raise
        entry.loaded = LoadedModel(key, description, tokenizer)
        entry.state, entry.error, entry.task = READY, None, description.task
        entry.last_used = time.monotonic()
        self._make_room(entry)
        return entry.loaded

    async def find_task(self, entry: ModelEntry) -> None:
        """Find out what a model is for that isn't loaded yet."""
        loop = asyncio.get_running_loop()
        entry.task = await loop.run_in_executor(None, _task_of, entry.source, entry.options)

    def _make_room(self, newest: ModelEntry) -> None:
        """Unload what was not used for longest, until the rest fits into the memory allowed."""
        most = self._max_memory
        if most is None:
            return
        loaded = sorted(
            (entry for entry in self._registry if entry.loaded is not None),
            key=lambda entry: entry.last_used,
        )
        taken = sum(entry.memory for entry in loaded) * len(self._pool.workers)
        for entry in loaded:
            if taken <= most:
                return
            if entry is not newest:
                taken -= entry.memory * len(self._pool.workers)
                self._unload(entry)
        if taken > most:
            _log.warning("model %s alone takes more than max_memory", newest.name)

    def _unload(self, entry: ModelEntry) -> None:
        """Unload a model; its next request, if it may have one, loads it again."""
        if entry.loaded is not None:
            self._retire(entry.loaded)
        entry.loaded, entry.state = None, UNLOADED

    def _retire(self, model: LoadedModel) -> None:
        """Forget a model in the workers, once no request needs it any more."""
        if model.users:
            asyncio.get_running_loop().call_later(_POLL_S, self._retire, model)
        else:
            self._pool.unload(model.key)


def _task_of(source: str, options: Mapping[str, Any]) -> str:
    """Find what a source is for, without reading its weights."""
    given = Given(**{name: value for name, value in options.items() if name in GIVEN})
    return str(purpose_of(options.get("task"), open_source(source, given)).value)
