"""What the front process and a worker send each other: commands there, results back.

A LoadModel is answered by a LoadResult, a RunBatch by a BatchResult, a Ping by itself; an
UnloadModel by nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bertie.checkpoint.config import Setting


class ModelKey(NamedTuple):
    """What a model is called between the processes.

    Attributes:
        name: the registry's.
        generation: a number that no other loading of any model has.
    """

    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class LoadModel:
    """Load a model.

    Attributes:
        key: what to call it.
        source: where from.
        options: keyword arguments of bertie.load.
    """

    key: ModelKey
    source: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the front process knows of a model.

    Attributes:
        task: what it is for.
        info: what its info() says, as JSON knows it.
        fingerprint: of its answers.
        settings: every setting that its inputs' tokens depend on.
        max_length: the most tokens of an input.
        tokenizer: pickled, for it may take long to unpickle.
        memory: bytes that it took to load; 0 where the system doesn't say.
    """

    task: str
    info: Mapping[str, Any]
    fingerprint: str
    settings: Mapping[str, Setting]
    max_length: int
    tokenizer: bytes
    memory: int


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A model is loaded, or why it is not."""

    key: ModelKey
    description: ModelDescription | None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class UnloadModel:
    """Forget a model."""

    key: ModelKey


@dataclass(frozen=True, slots=True)
class RunBatch:
    """Compute a batch.

    Attributes:
        number: what to call it.
        model: which.
        method: a key of METHODS.
        options: the method's keyword arguments.
        inputs: at least one.
    """

    number: int
    model: ModelKey
    method: str
    options: tuple[tuple[str, Any], ...]
    inputs: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A batch is computed.

    Attributes:
        number: that of the RunBatch.
        answers: one for each input, in an array or a list; None for those that have an error.
        errors: by the input's position in the batch.
        seconds: how long it took.
    """

    number: int
    answers: Any
    errors: Mapping[int, BaseException]
    seconds: float


@dataclass(frozen=True, slots=True)
class Ping:
    """Say that you live, by the same message."""
