"""The registry: which models there are, by name, and which one a request means."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bertie.errors import TaskError, UnknownModel
from bertie.server.scheduling.messages import ModelDescription, ModelKey
from bertie.tokenize import Tokenizer

LOADING, READY, FAILED, UNLOADED = "loading", "ready", "failed", "unloaded"


@dataclass(eq=False, slots=True)
class LoadedModel:
    """A model as the workers have it.

    Attributes:
        key: what the workers call it.
        description: what they say of it.
        tokenizer: its own, in the front process.
        users: how many requests that it was found for aren't answered yet.
    """

    key: ModelKey
    description: ModelDescription
    tokenizer: Tokenizer
    users: int = 0


@dataclass(eq=False, slots=True)
class ModelEntry:
    """A model that the server knows.

    Attributes:
        name: what requests call it.
        source: where it is from.
        options: keyword arguments of bertie.load.
        state: "loading", "ready", "failed" or "unloaded".
        task: what it is for; None while that isn't known.
        error: why it failed, or None.
        loaded: what is in the workers, or None.
        created: when it was added, in seconds since 1970.
        last_used: when a request last meant it, in seconds of time.monotonic.
        lock: held while it is loaded, reloaded or unloaded.
    """

    name: str
    source: str
    options: Mapping[str, Any]
    created: float
    state: str = UNLOADED
    task: str | None = None
    error: BaseException | None = None
    loaded: LoadedModel | None = None
    last_used: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def info(self) -> Mapping[str, Any]:
        """What info() says of it, as JSON knows it; nothing while it isn't loaded."""
        return {} if self.loaded is None else self.loaded.description.info

    @property
    def memory(self) -> int:
        """Bytes that it takes in one worker; 0 while it isn't loaded."""
        return 0 if self.loaded is None else self.loaded.description.memory

    @property
    def fingerprint(self) -> str | None:
        """That of its answers; None while it isn't loaded."""
        return None if self.loaded is None else self.loaded.description.fingerprint

    @property
    def max_length(self) -> int | None:
        """The most tokens of an input; None while it isn't loaded."""
        return None if self.loaded is None else self.loaded.description.max_length


class Registry:
    """All models, in the order in which they were added."""

    def __init__(self, default: str | None = None) -> None:
        """Start without models.

        Args:
            default: the model for requests that name none, where it can do their task.
        """
        self._default = default
        self._entries: dict[str, ModelEntry] = {}

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self._entries.values())

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def add(self, entry: ModelEntry) -> None:
        """Add a model, or put it instead of the one of that name."""
        self._entries[entry.name] = entry

    def remove(self, name: str) -> None:
        """Forget a model."""
        del self._entries[name]

    def entry(self, name: str) -> ModelEntry:
        """Find a model by its name. Raises: UnknownModel."""
        found = self._entries.get(name)
        if found is None:
            known = ", ".join(self._entries) or "none"
            raise UnknownModel(f"model {name!r} isn't known here; the server's models are: {known}")
        return found

    def any(self, name: str | None) -> ModelEntry:
        """Find a model whatever it is for.

        Args:
            name: what the request says, or None: the default model, or the first; where there is
                one model only, anything.
        Raises: UnknownModel: no model of that name, or none at all.
        """
        if len(self._entries) == 1 or (name is None and self._default not in self._entries):
            return next(iter(self._entries.values()), None) or self.entry(name or "")
        return self.entry(name if name is not None else str(self._default))

    def find(self, name: str | None, task: str) -> ModelEntry:
        """Find the model that a request means.

        Args:
            name: what the request says, or None; where there is one model only, anything.
            task: what the request needs: a key of bertie.tasks.table.TASKS.
        Raises: UnknownModel: no model of that name.
        Raises: TaskError: the model, or every one, is for other tasks.
        """
        if len(self._entries) == 1:
            (only,) = self._entries.values()
            return _check_task(only, task)
        if name is not None:
            return _check_task(self.entry(name), task)
        if self._default in self._entries:
            default = self._entries[self._default]
            if default.task in (task, None):
                return default
        for entry in self._entries.values():
            if entry.task == task:
                return entry
        tasks = ", ".join(f"{entry.name} ({entry.task or 'not loaded yet'})" for entry in self)
        raise TaskError(
            f"no model here is for {task!r}; the server's models are: {tasks or 'none'}"
        )


def _check_task(entry: ModelEntry, task: str) -> ModelEntry:
    """Refuse a model of another task; one that isn't loaded yet may be of any."""
    if entry.task not in (task, None):
        raise TaskError(
            f"model {entry.name!r} is for {entry.task!r}, but the request needs {task!r}: ask"
            " another model"
        )
    return entry
