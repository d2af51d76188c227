"""The worker's side: the models, and the batches that they compute."""

import pickle
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from bertie.errors import EngineFailed, TruncationWarning
from bertie.loading.load import load
from bertie.server.methods import METHODS
from bertie.server.scheduling.halving import halved
from bertie.server.scheduling.inference import thawed
from bertie.server.scheduling.messages import Description, Drop, Key, Load, Loaded, Ran, Run
from bertie.system.memory import resident_bytes
from bertie.tasks.model import Model


class Host:
    """Models by key, and what is done with them at the front process's word.

    A batch is computed on the thread that hands it in, a model is loaded on one of its own, so
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
        self._models: dict[Key, Model] = {}
        # What is cut the front process has counted and told the client.
        warnings.simplefilter("ignore", TruncationWarning)

    def handle(self, message: Any) -> None:
        """Do what a message says."""
        if isinstance(message, Run):
            self._reply(self._run(message))
        elif isinstance(message, Load):
            name = f"bertie-load-{message.key[0]}"
            threading.Thread(target=self._load, args=(message,), name=name, daemon=True).start()
        elif isinstance(message, Drop):
            self._models.pop(message.key, None)

    def _run(self, run: Run) -> Ran:
        """Compute a batch."""
        began = time.perf_counter()
        model = self._models.get(run.key)
        if model is None:
            gone = EngineFailed(f"model {run.key[0]!r} isn't loaded here")
            failures: dict[int, BaseException] = dict.fromkeys(range(len(run.inputs)), gone)
            return Ran(run.number, [None] * len(run.inputs), failures, 0.0)
        compute, options = METHODS[run.call].compute, dict(run.options)
        inputs = list(map(thawed, run.inputs) if options.get("split_words") else run.inputs)
        answers, errors = halved(lambda some: compute(model, some, options), inputs)
        return Ran(run.number, answers, errors, time.perf_counter() - began)

    def _load(self, message: Load) -> None:
        """Load a model and describe it."""
        try:
            before = resident_bytes()
            model = load(message.source, **{"threads": self._threads, **message.options})
            described = _described(model, before)
        except BaseException as error:  # whatever it is, somebody waits for the word
            self._reply(Loaded(message.key, None, _sendable(error)))
            return
        self._models[message.key] = model
        self._reply(Loaded(message.key, described))


def _described(model: Model, before: int | None) -> Description:
    """Say what the front process has to know."""
    info, now = model.info(), resident_bytes()
    return Description(
        task=model.task,
        info=info.to_dict(),
        fingerprint=model.fingerprint,
        settings=dict(info.settings),
        max_length=model.max_length,
        tokenizer=pickle.dumps(model.tokenizer, 5),
        memory=0 if before is None or now is None else max(now - before, 0),
    )


def _sendable(error: BaseException) -> BaseException:
    """Give an error that pickles."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return EngineFailed(f"loading failed: {type(error).__name__}: {error}")
    return error
