"""The service: what the server's APIs call, and the one place that models are managed from."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bertie.errors import DeadlineExceeded, EngineFailed, InputError, Overloaded, TaskError
from bertie.server.methods import METHODS
from bertie.server.scheduling.admission import Admission, Usage
from bertie.server.scheduling.events import BatchStarted, Event, Observer, RequestFinished
from bertie.server.scheduling.inference import (
    InferenceRequest,
    InferenceResponse,
    as_tuples,
    unwrap_token_ids,
)
from bertie.server.scheduling.loader import Loader
from bertie.server.scheduling.queued_input import BatchKey
from bertie.server.scheduling.readiness import Prober, Readiness
from bertie.server.scheduling.registry import LoadedModel, ModelEntry, Registry
from bertie.server.scheduling.scheduler import Scheduler
from bertie.server.scheduling.state import State, WorkerState
from bertie.server.settings import Settings
from bertie.tasks.methods import Method
from bertie.tasks.token_counts import TokenCounts, count_characters, count_tokens
from bertie.tokenize import Tokenizer

# Inputs of more characters are tokenized in a thread: they would hold up the event loop.
_MANY_CHARACTERS = 50_000

_log = logging.getLogger(__name__)
_NO_COUNTS = TokenCounts((), ())


@dataclass(slots=True)
class _Progress:
    """What has become of a request so far.

    Attributes:
        characters: of all its inputs.
        usage: what it takes of the room that there is.
        model: the request's, once it is found.
        counts: its tokens, once they are counted.
        began: when it came, in seconds of time.monotonic.
        tokenization_s, inference_s, queue_s: as in InferenceResponse.
    """

    characters: int
    usage: Usage = field(default_factory=Usage)
    model: LoadedModel | None = None
    counts: TokenCounts = _NO_COUNTS
    began: float = field(default_factory=time.monotonic)
    tokenization_s: float = 0.0
    inference_s: float = 0.0
    queue_s: float = 0.0


class Service:
    """Models behind one queue; one for each front process, all on one event loop.

    Attributes:
        observers: each is told of every event, on the event loop; see events.
    """

    def __init__(self, settings: Settings) -> None:
        """Plan a service.

        Args:
            settings: of scheduling, and the models.
        Raises: InputError: the default model is none of them.
        """
        default = settings.engine.default
        if default is not None and default not in settings.models:
            known = ", ".join(settings.models) or "none"
            raise InputError(f"default is {default!r}, but the models are: {known}")
        self.observers: list[Observer] = []
        self._settings = settings.engine
        self._registry = Registry(default)
        self._scheduler = Scheduler(settings.engine, self._observe)
        self._pool = self._scheduler.pool
        self._admission = Admission(settings.engine)
        self._started = False
        self._prober = Prober(self._pool, self._registry, settings.engine.ready_s)
        self._loader = Loader(self._registry, self._pool, settings.engine.max_memory)
        self._last_batch: BatchStarted | None = None
        self._refused = 0
        self._idle = asyncio.Event()
        for name, model in settings.models.items():
            self._registry.add(ModelEntry(name, model.source, model.options, time.time()))

    async def start(self) -> None:
        """Start the workers and load the models.

        Raises: whatever bertie.load raises for one of the models.
        """
        await self._pool.start()
        if self._settings.load == "start":
            await asyncio.gather(*(self._loader.loaded(entry) for entry in self._registry))
        else:
            await asyncio.gather(*(self._loader.find_task(entry) for entry in self._registry))
        self._started = True

    async def stop(self, grace_s: float | None = None) -> None:
        """Admit nothing more, finish what was admitted, then end the workers.

        Args:
            grace_s: seconds that finishing may take; None is what the settings say. What isn't
                finished then fails with EngineFailed.
        """
        grace = self._settings.grace_s if grace_s is None else grace_s
        self._admission.closed = True
        deadline = time.monotonic() + grace
        while self._admission.usage.requests and (left := deadline - time.monotonic()) > 0:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), left)
            except TimeoutError:
                break
        self._scheduler.fail_all(EngineFailed("the server stopped before this was computed"))
        await self._pool.stop(max(deadline - time.monotonic(), 1.0))

    def find(self, model: str | None, task: str) -> ModelEntry:
        """Find the model that a request means. Args, Raises: as Registry.find."""
        return self._registry.find(model, task)

    def any(self, model: str | None) -> ModelEntry:
        """Find a model whatever it is for. Args, Raises: as Registry.any."""
        return self._registry.any(model)

    def entry(self, name: str) -> ModelEntry:
        """Find the model of exactly this name. Raises: UnknownModel: there is none."""
        return self._registry.entry(name)

    def models(self) -> list[ModelEntry]:
        """List every model, in the order in which they were added."""
        return list(self._registry)

    async def tokenizer(self, name: str) -> Tokenizer:
        """Give a model's tokenizer, which lives in this process; load the model for it if need be.

        Raises: UnknownModel. Raises: whatever bertie.load raises.
        """
        return (await self._loader.loaded(self._registry.entry(name))).tokenizer

    async def infer(self, request: InferenceRequest) -> InferenceResponse:
        """Answer a request. Cancelling the task that waits withdraws what isn't computed yet.

        Raises: UnknownModel: no such model. Raises: TaskError: it is for other tasks.
        Raises: InputError: an input or an option can't be; nothing was computed then, unless only
            computing could tell.
        Raises: Overloaded: there is no room for all of it.
        Raises: DeadlineExceeded: its time is over.
        Raises: EngineFailed: the worker that computed it died or stalled.
        """
        progress = _Progress(count_characters(request.inputs))
        try:
            answers = await self._infer(request, progress)
        except BaseException as error:
            self._finish(request, progress, error)
            raise
        self._finish(request, progress, None)
        assert progress.model is not None
        return InferenceResponse(
            answers,
            progress.counts.tokens,
            progress.counts.truncated,
            progress.characters,
            progress.tokenization_s,
            progress.queue_s,
            progress.inference_s,
            progress.model.description.fingerprint,
        )

    async def load(self, name: str, source: str, options: Mapping[str, Any]) -> ModelEntry:
        """Add a model, and load it.

        Args:
            name: what requests call it.
            source: where from.
            options: keyword arguments of bertie.load.
        Raises: InputError: there is one of that name; an option that load doesn't take.
        Raises: whatever bertie.load raises; the model isn't added then.
        """
        return await self._loader.add(name, source, options)

    async def reload(self, name: str) -> ModelEntry:
        """Load a model again, from what its source is now; requests go on being answered.

        Raises: UnknownModel. Raises: whatever bertie.load raises; the old one goes on then.
        """
        return await self._loader.reload(self._registry.entry(name))

    async def unload(self, name: str) -> None:
        """Forget a model; requests that are admitted are answered still.

        Raises: UnknownModel.
        """
        await self._loader.remove(self._registry.entry(name))

    async def ready(self) -> Readiness:
        """Have every worker do a real inference; the result is good for a second."""
        if self._admission.closed:
            return Readiness(False, "the server is stopping")
        if not self._started:
            return Readiness(False, "the models are being loaded")
        return await self._prober.ready()

    def state(self) -> State:
        """Give the state of this moment."""
        queue, cache, last = self._scheduler.queue, self._scheduler.cache, self._last_batch
        workers = tuple(
            WorkerState(
                number=worker.number,
                pid=worker.pid,
                restarts=worker.restarts,
                batches=len(worker.batches),
                inputs=sum(len(batch.message.inputs) for batch in worker.batches.values()),
                tokens=worker.tokens,
                models=tuple(sorted({name for name, _ in worker.loaded})),
            )
            for worker in self._pool.workers
        )
        return State(
            requests=self._admission.usage.requests,
            waiting_inputs=queue.inputs,
            waiting_tokens=queue.tokens,
            running_inputs=sum(worker.inputs for worker in workers),
            running_tokens=sum(worker.tokens for worker in workers),
            tokens_per_second=self._pool.throughput.per_second,
            batch_tokens=last.tokens if last else 0,
            batch_inputs=last.inputs if last else 0,
            batch_fill=last.tokens / last.budget if last else 0.0,
            cache_bytes=cache.size if cache is not None else 0,
            cache_answers=len(cache) if cache is not None else 0,
            cache_hits=cache.hits if cache is not None else 0,
            cache_misses=cache.misses if cache is not None else 0,
            refused=self._refused,
            stopping=self._admission.closed,
            workers=workers,
        )

    async def _find_model(self, request: InferenceRequest) -> tuple[LoadedModel, Method]:
        """Find the model that a request means, loaded, and its method."""
        entry = self._registry.entry(request.model)
        method = METHODS.get(request.method)
        if method is None:
            raise InputError(f"call is {request.method!r}, expected one of {', '.join(METHODS)}")
        entry.last_used = time.monotonic()
        model = entry.loaded or await self._loader.loaded(entry)
        if model.description.task != method.task:
            raise TaskError(
                f"{request.method} is of task {method.task!r}, but model {entry.name!r} is for"
                f" {model.description.task!r}: ask another model"
            )
        return model, method

    async def _count_tokens(
        self, request: InferenceRequest, model: LoadedModel, method: Method, size: int
    ) -> TokenCounts:
        """Count a request's tokens, in a thread where that takes long."""
        arguments = (
            model.tokenizer,
            model.description.settings,
            method,
            request.inputs,
            dict(request.options),
        )
        if size <= _MANY_CHARACTERS:
            return count_tokens(*arguments)
        return await asyncio.get_running_loop().run_in_executor(None, count_tokens, *arguments)

    async def _infer(self, request: InferenceRequest, progress: _Progress) -> tuple[Any, ...]:
        """Take a request through admission, tokenization and computing."""
        if request.deadline is not None and request.deadline <= progress.began:
            raise DeadlineExceeded("the time that the request had was over when it came")
        rate = self._pool.rate
        self._admission.admit(progress.usage, len(request.inputs), progress.characters, rate)
        progress.model, method = await self._find_model(request)
        progress.model.users += 1
        request = unwrap_token_ids(request, method)
        began = time.perf_counter()
        progress.counts = await self._count_tokens(
            request, progress.model, method, progress.characters
        )
        progress.tokenization_s = time.perf_counter() - began
        self._admission.admit_tokens(progress.usage, sum(progress.counts.tokens), rate)
        return await self._compute(request, progress.model, progress) if request.inputs else ()

    async def _compute(
        self, request: InferenceRequest, model: LoadedModel, progress: _Progress
    ) -> tuple[Any, ...]:
        """Have inputs computed."""
        split = ("split_words", True) in request.options
        pending = self._scheduler.submit(
            BatchKey(model.key, request.method, request.options),
            model.description.fingerprint,
            tuple(map(as_tuples, request.inputs)) if split else request.inputs,
            progress.counts.tokens,
            priority=request.priority,
            deadline=request.deadline,
        )
        try:
            await pending.done
        finally:
            self._scheduler.release(pending)
        progress.inference_s = pending.inference_s
        return tuple(pending.answers)

    def _finish(
        self, request: InferenceRequest, progress: _Progress, error: BaseException | None
    ) -> None:
        """Give back what a request held, and tell the observers that it is over."""
        if progress.model is not None:
            progress.model.users -= 1
        self._admission.release(progress.usage)
        self._idle.set()
        spent = progress.tokenization_s + progress.inference_s
        progress.queue_s = max(time.monotonic() - progress.began - spent, 0.0)
        if isinstance(error, Overloaded):
            self._refused += 1
        if self.observers:
            self._observe(_finished_event(request, progress, error))

    def _observe(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, BatchStarted):
            self._last_batch = event
        for observer in self.observers:
            try:
                observer(event)
            except Exception:  # whoever counts wrong mustn't keep others from their answers
                _log.exception("an observer failed")


def _finished_event(
    request: InferenceRequest, progress: _Progress, error: BaseException | None
) -> RequestFinished:
    """Say what became of a request."""
    lost = progress.counts.truncated
    return RequestFinished(
        model=request.model,
        method=request.method,
        inputs=len(request.inputs),
        characters=progress.characters,
        tokens=sum(progress.counts.tokens),
        truncated=sum(lost),
        cut=sum(map(bool, lost)),
        tokenization_s=progress.tokenization_s,
        queue_s=progress.queue_s,
        inference_s=progress.inference_s,
        error=error,
    )
