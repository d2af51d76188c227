"""The service: what the server's APIs ask, and the one place that models are managed from."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from bertie.errors import DeadlineExceeded, EngineFailed, InputError, Overloaded, TaskError
from bertie.server.engine.admission import Admission, Held
from bertie.server.engine.ask import Answered, Ask, untangled
from bertie.server.engine.events import BatchStarted, Event, Observer, RequestFinished
from bertie.server.engine.loader import Loader
from bertie.server.engine.readiness import Prober
from bertie.server.engine.registry import (
    ModelEntry,
    Registry,
    Serving,
)
from bertie.server.engine.scheduler import Scheduler
from bertie.server.engine.state import Readiness, State, WorkerState
from bertie.server.engine.unit import Group
from bertie.server.settings import Settings
from bertie.tasks.calls import CALLS, Rule
from bertie.tasks.counting import Counts, characters, counted
from bertie.tokenize import Tokenizer

# Inputs of more characters are tokenized beside the event loop, which they would hold up.
_MANY_CHARACTERS = 50_000


class Service:
    """Models behind one queue; one for each front process, all on one event loop.

    Attributes:
        observers: each is told of every event, on the event loop; see events.
    """

    def __init__(self, settings: Settings) -> None:
        """Plan a service.

        Args:
            settings: of the engine, and the models.
        """
        self.observers: list[Observer] = []
        self._settings = settings.engine
        self._registry = Registry(settings.engine.default)
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

    async def ask(self, ask: Ask) -> Answered:
        """Answer a request. Cancelling the task that waits withdraws what isn't computed yet.

        Raises: UnknownModel: no such model. Raises: TaskError: it is for other tasks.
        Raises: InputError: an input or an option can't be; nothing was computed then, unless only
            computing could tell.
        Raises: Overloaded: there is no room for all of it.
        Raises: DeadlineExceeded: its time is over.
        Raises: EngineFailed: the worker that computed it died or stalled.
        """
        size = characters(ask.inputs)
        asked = Held()
        counts, began, spent = _NOTHING, time.monotonic(), 0.0
        inference, error, serving = 0.0, None, None
        try:
            if ask.deadline is not None and ask.deadline <= began:
                raise DeadlineExceeded("the time that the request had was over when it came")
            asked = self._admission.enter(len(ask.inputs), size, self._pool.rate)
            serving, rule = await self._able(ask)
            serving.holders += 1
            ask = untangled(ask, rule)
            counting = time.perf_counter()
            counts = await self._counted(ask, serving, rule, size)
            spent = time.perf_counter() - counting
            self._admission.count(asked, sum(counts.tokens), self._pool.rate)
            group = Group(serving.key, ask.call, ask.options)
            if not ask.inputs:
                answers: tuple[Any, ...] = ()
            else:
                answers, inference = await self._answers(ask, group, serving, counts)
        except BaseException as failure:
            error = failure
            raise
        finally:
            if serving is not None:
                serving.holders -= 1
            self._admission.leave(asked)
            self._idle.set()
            waited = max(time.monotonic() - began - spent - inference, 0.0)
            self._report(ask, size, counts, spent, waited, inference, error)
        return Answered(
            answers,
            counts.tokens,
            counts.truncated,
            size,
            spent,
            waited,
            inference,
            serving.description.fingerprint,
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

    async def _able(self, ask: Ask) -> tuple[Serving, Rule]:
        """Find the model that a request asks, loaded, and the rule of its call."""
        entry = self._registry.entry(ask.model)
        rule = CALLS.get(ask.call)
        if rule is None:
            raise InputError(f"call is {ask.call!r}, expected one of {', '.join(CALLS)}")
        entry.used = time.monotonic()
        serving = entry.loaded or await self._loader.serving(entry)
        if serving.description.task != rule.task:
            raise TaskError(
                f"{ask.call} is of task {rule.task!r}, but model {entry.name!r} is for"
                f" {serving.description.task!r}: ask another model"
            )
        return serving, rule

    async def _counted(self, ask: Ask, serving: Serving, rule: Rule, size: int) -> Counts:
        """Count a request's tokens, beside the event loop where that takes long."""
        arguments = (
            serving.tokenizer,
            serving.description.settings,
            rule,
            ask.inputs,
            dict(ask.options),
        )
        if size <= _MANY_CHARACTERS:
            return counted(*arguments)
        return await asyncio.get_running_loop().run_in_executor(None, counted, *arguments)

    async def _answers(
        self, ask: Ask, group: Group, serving: Serving, counts: Counts
    ) -> tuple[tuple[Any, ...], float]:
        """Have inputs computed, and give the answers and the seconds of the last batch."""
        job = self._scheduler.submit(
            group,
            serving.description.fingerprint,
            ask.inputs,
            counts.tokens,
            priority=ask.priority,
            deadline=ask.deadline,
        )
        try:
            await job.done
        finally:
            if job.left:
                self._scheduler.withdraw(job)
        return tuple(job.answers), job.inference_s

    def _observe(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, BatchStarted):
            self._last = event
        for observer in self.observers:
            observer(event)

    def _report(
        self,
        ask: Ask,
        size: int,
        counts: Counts,
        spent: float,
        waited: float,
        inference: float,
        error: BaseException | None,
    ) -> None:
        """Tell the observers of a request that is over."""
        if isinstance(error, Overloaded):
            self._refused += 1
        if self.observers:
            lost = counts.truncated
            event = RequestFinished(
                model=ask.model,
                call=ask.call,
                inputs=len(ask.inputs),
                characters=size,
                tokens=sum(counts.tokens),
                truncated=sum(lost),
                cut=sum(map(bool, lost)),
                tokenization_s=spent,
                queue_s=waited,
                inference_s=inference,
                error=error,
            )
            self._observe(event)


_NOTHING = Counts((), ())
