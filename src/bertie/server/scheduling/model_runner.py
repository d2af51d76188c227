"""What a worker does: it loads models and runs batches."""

import pickle
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from bertie.errors import EngineFailed, TruncationWarning
from bertie.loading.load import load
from bertie.server.methods import METHODS
from bertie.server.scheduling.bisection import bisect
from bertie.server.scheduling.inference import as_lists
from bertie.server.scheduling.messages import (
    BatchResult,
    LoadModel,
    LoadResult,
    ModelDescription,
    ModelKey,
    RunBatch,
    UnloadModel,
)
from bertie.system.memory import resident_bytes
from bertie.tasks.model import Model


class ModelRunner:
    """Models by key, and what messages have them do.

    A batch is computed on the thread that calls handle, a model is loaded on one of its own, so
    that the others go on answering.
    """

    def __init__(self, reply: Callable[[Any], None], *, threads: int) -> None:
        """Start without models.

        Args:
            reply: takes messages for the front process, from any thread.
            threads: the most cores that one batch uses.
        """
        self._reply = reply
        self._threads = threads
        self._models: dict[ModelKey, Model] = {}
        # What is cut the front process has counted and told the client.
        warnings.simplefilter("ignore", TruncationWarning)

    def handle(self, message: Any) -> None:
        """Do what a message says."""
        if isinstance(message, RunBatch):
            self._reply(self._run(message))
        elif isinstance(message, LoadModel):
            name = f"bertie-load-{message.key.name}"
            threading.Thread(target=self._load, args=(message,), name=name, daemon=True).start()
        elif isinstance(message, UnloadModel):
            self._models.pop(message.key, None)

    def _run(self, message: RunBatch) -> BatchResult:
        """Compute a batch."""
        began = time.perf_counter()
        model = self._models.get(message.model)
        if model is None:
            error = EngineFailed(f"model {message.model.name!r} isn't loaded here")
            errors: dict[int, BaseException] = dict.fromkeys(range(len(message.inputs)), error)
            return BatchResult(message.number, [None] * len(message.inputs), errors, 0.0)
        compute, options = METHODS[message.method].compute, dict(message.options)
        inputs = list(
            map(as_lists, message.inputs) if options.get("split_words") else message.inputs
        )
        answers, failed = bisect(lambda some: compute(model, some, options), inputs)
        return BatchResult(message.number, answers, failed, time.perf_counter() - began)

    def _load(self, message: LoadModel) -> None:
        """Load a model and describe it."""
        try:
            before = resident_bytes()
            model = load(message.source, **{"threads": self._threads, **message.options})
            description = _describe(model, before)
        except BaseException as error:  # whatever it is, somebody waits to hear of it
            self._reply(LoadResult(message.key, None, _picklable(error)))
            return
        self._models[message.key] = model
        self._reply(LoadResult(message.key, description))


def _describe(model: Model, before: int | None) -> ModelDescription:
    """Say what the front process has to know."""
    info, now = model.info(), resident_bytes()
    return ModelDescription(
        task=model.task,
        info=info.to_dict(),
        fingerprint=model.fingerprint,
        settings=dict(info.settings),
        max_length=model.max_length,
        tokenizer=pickle.dumps(model.tokenizer, 5),
        memory=0 if before is None or now is None else max(now - before, 0),
    )


def _picklable(error: BaseException) -> BaseException:
    """Give an error that pickles."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return EngineFailed(f"loading failed: {type(error).__name__}: {error}")
    return error
