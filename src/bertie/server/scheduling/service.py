"""The service: what the server's APIs ask, and the one place that models are managed from."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bertie.errors import DeadlineExceeded, EngineFailed, InputError, Overloaded, TaskError
from bertie.server.methods import METHODS
from bertie.server.scheduling.admission import Admission, Held
from bertie.server.scheduling.events import BatchStarted, Event, Observer, RequestFinished
from bertie.server.scheduling.inference import (
    InferenceRequest,
    InferenceResponse,
    frozen,
    untangled,
)
from bertie.server.scheduling.loader import Loader
from bertie.server.scheduling.readiness import Prober
from bertie.server.scheduling.registry import (
    ModelEntry,
    Registry,
    Serving,
)
from bertie.server.scheduling.scheduler import Scheduler
from bertie.server.scheduling.state import Readiness, State, WorkerState
from bertie.server.scheduling.unit import Group
from bertie.server.settings import Settings
from bertie.tasks.counting import Counts, characters, counted
from bertie.tasks.methods import Method
from bertie.tokenize import Tokenizer

# Inputs of more characters are tokenized beside the event loop, which they would hold up.
_MANY_CHARACTERS = 50_000


_log = logging.getLogger(__name__)
_NOTHING = Counts((), ())


@dataclass(slots=True)
class _Course:
    """What has become of a request so far.

    Attributes:
        characters: of all its inputs.
        held: what it takes of the room that there is.
        serving: the model, once it is found.
        counts: its tokens, once they are counted.
        began: when it came, in seconds of time.monotonic.
        tokenization_s, inference_s, queue_s: as in InferenceResponse.
    """

    characters: int
    held: Held = field(default_factory=Held)
    serving: Serving | None = None
    counts: Counts = _NOTHING
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
            settings: of the engine, and the models.
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
        self._last: BatchStarted | None = None
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
            await asyncio.gather(*(self._loader.serving(entry) for entry in self._registry))
        else:
            await asyncio.gather(*(self._loader.examine(entry) for entry in self._registry))
        self._started = True

    async def stop(self, grace_s: float | None = None) -> None:
        """Admit nothing more, finish what was admitted, then end the workers.

        Args:
            grace_s: seconds that finishing may take; None is what the settings say. What isn't
                finished then fails with EngineFailed.
        """
        grace = self._settings.grace_s if grace_s is None else grace_s
        self._admission.closed = True
        ends = time.monotonic() + grace
        while self._admission.held.requests and (left := ends - time.monotonic()) > 0:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), left)
            except TimeoutError:
                break
        self._scheduler.fail_all(EngineFailed("the server stopped before this was computed"))
        await self._pool.stop(max(ends - time.monotonic(), 1.0))

    def find(self, model: str | None, task: str) -> ModelEntry:
        """Find the model that a request means. Args, Raises: as Registry.find."""
        return self._registry.find(model, task)

    def any(self, model: str | None) -> ModelEntry:
        """Find a model whatever it is for. Args, Raises: as Registry.any."""
        return self._registry.any(model)

    def models(self) -> list[ModelEntry]:
        """List every model, in the order in which they were added."""
        return list(self._registry)

    async def tokenizer(self, name: str) -> Tokenizer:
        """Give a model's tokenizer, which lives in this process; load the model for it if need be.

        Raises: UnknownModel. Raises: whatever bertie.load raises.
        """
        return (await self._loader.serving(self._registry.entry(name))).tokenizer

    async def ask(self, ask: InferenceRequest) -> InferenceResponse:
        """Answer a request. Cancelling the task that waits withdraws what isn't computed yet.

        Raises: UnknownModel: no such model. Raises: TaskError: it is for other tasks.
        Raises: InputError: an input or an option can't be; nothing was computed then, unless only
            computing could tell.
        Raises: Overloaded: there is no room for all of it.
        Raises: DeadlineExceeded: its time is over.
        Raises: EngineFailed: the worker that computed it died or stalled.
        """
        course = _Course(characters(ask.inputs))
        try:
            answers = await self._answered(ask, course)
        except BaseException as error:
            self._end(ask, course, error)
            raise
        self._end(ask, course, None)
        assert course.serving is not None
        return InferenceResponse(
            answers,
            course.counts.tokens,
            course.counts.truncated,
            course.characters,
            course.tokenization_s,
            course.queue_s,
            course.inference_s,
            course.serving.description.fingerprint,
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
        """Ask every worker for a real inference; the answer is good for a second."""
        if self._admission.closed:
            return Readiness(False, "the server is stopping")
        if not self._started:
            return Readiness(False, "the models are being loaded")
        return await self._prober.ready()

    def state(self) -> State:
        """Give the figures of this moment."""
        waiting, cache, last = self._scheduler.waiting, self._scheduler.cache, self._last
        workers = tuple(
            WorkerState(
                number=worker.number,
                pid=worker.pid,
                restarts=worker.restarts,
                batches=len(worker.batches),
                inputs=sum(len(batch.run.inputs) for batch in worker.batches.values()),
                tokens=worker.tokens,
                models=tuple(sorted({name for name, _ in worker.loaded})),
            )
            for worker in self._pool.workers
        )
        return State(
            requests=self._admission.held.requests,
            waiting_inputs=waiting.inputs,
            waiting_tokens=waiting.tokens,
            running_inputs=sum(worker.inputs for worker in workers),
            running_tokens=sum(worker.tokens for worker in workers),
            tokens_per_second=self._pool.throughput.per_second,
            batch_tokens=last.tokens if last else 0,
            batch_inputs=last.inputs if last else 0,
            batch_fill=last.tokens / last.budget if last else 0.0,
            cache_bytes=cache.size if cache else 0,
            cache_answers=len(cache) if cache else 0,
            cache_hits=cache.hits if cache else 0,
            cache_misses=cache.misses if cache else 0,
            refused=self._refused,
            stopping=self._admission.closed,
            workers=workers,
        )

    async def _able(self, ask: InferenceRequest) -> tuple[Serving, Method]:
        """Find the model that a request asks, loaded, and the method that it call."""
        entry = self._registry.entry(ask.model)
        method = METHODS.get(ask.call)
        if method is None:
            raise InputError(f"call is {ask.call!r}, expected one of {', '.join(METHODS)}")
        entry.used = time.monotonic()
        serving = entry.loaded or await self._loader.serving(entry)
        if serving.description.task != method.task:
            raise TaskError(
                f"{ask.call} is of task {method.task!r}, but model {entry.name!r} is for"
                f" {serving.description.task!r}: ask another model"
            )
        return serving, method

    async def _counted(
        self, ask: InferenceRequest, serving: Serving, method: Method, size: int
    ) -> Counts:
        """Count a request's tokens, beside the event loop where that takes long."""
        arguments = (
            serving.tokenizer,
            serving.description.settings,
            method,
            ask.inputs,
            dict(ask.options),
        )
        if size <= _MANY_CHARACTERS:
            return counted(*arguments)
        return await asyncio.get_running_loop().run_in_executor(None, counted, *arguments)

    async def _answered(self, ask: InferenceRequest, course: _Course) -> tuple[Any, ...]:
        """Take a request through all that happens to it."""
        if ask.deadline is not None and ask.deadline <= course.began:
            raise DeadlineExceeded("the time that the request had was over when it came")
        rate = self._pool.rate
        self._admission.enter(course.held, len(ask.inputs), course.characters, rate)
        course.serving, method = await self._able(ask)
        course.serving.holders += 1
        ask = untangled(ask, method)
        began = time.perf_counter()
        course.counts = await self._counted(ask, course.serving, method, course.characters)
        course.tokenization_s = time.perf_counter() - began
        self._admission.count(course.held, sum(course.counts.tokens), rate)
        return await self._computed(ask, course.serving, course) if ask.inputs else ()

    async def _computed(
        self, ask: InferenceRequest, serving: Serving, course: _Course
    ) -> tuple[Any, ...]:
        """Have inputs computed."""
        worded = ("split_words", True) in ask.options
        job = self._scheduler.submit(
            Group(serving.key, ask.call, ask.options),
            serving.description.fingerprint,
            tuple(map(frozen, ask.inputs)) if worded else ask.inputs,
            course.counts.tokens,
            priority=ask.priority,
            deadline=ask.deadline,
        )
        try:
            await job.done
        finally:
            self._scheduler.release(job)
        course.inference_s = job.inference_s
        return tuple(job.answers)

    def _end(self, ask: InferenceRequest, course: _Course, error: BaseException | None) -> None:
        """Give back what a request held, and tell the observers that it is over."""
        if course.serving is not None:
            course.serving.holders -= 1
        self._admission.leave(course.held)
        self._idle.set()
        spent = course.tokenization_s + course.inference_s
        course.queue_s = max(time.monotonic() - course.began - spent, 0.0)
        if isinstance(error, Overloaded):
            self._refused += 1
        if self.observers:
            self._observe(_finished(ask, course, error))

    def _observe(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, BatchStarted):
            self._last = event
        for observer in self.observers:
            try:
                observer(event)
            except Exception:  # whoever counts wrong mustn't keep others from their answers
                _log.exception("an observer failed")


def _finished(
    ask: InferenceRequest, course: _Course, error: BaseException | None
) -> RequestFinished:
    """Say what became of a request."""
    lost = course.counts.truncated
    return RequestFinished(
        model=ask.model,
        call=ask.call,
        inputs=len(ask.inputs),
        characters=course.characters,
        tokens=sum(course.counts.tokens),
        truncated=sum(lost),
        cut=sum(map(bool, lost)),
        tokenization_s=course.tokenization_s,
        queue_s=course.queue_s,
        inference_s=course.inference_s,
        error=error,
    )
