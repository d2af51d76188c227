"""What the front process and a worker say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.checkpoint.config import Setting

# A model's name, and a number that no other loading of any model has.
Key: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model.

    Attributes:
        key: what to call it.
        source: where from.
        options: keyword arguments of bertie.load.
    """

    key: Key
    source: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Description:
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
class Loaded:
    """A model is loaded, or why it is not."""

    key: Key
    description: Description | None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget a model."""

    key: Key


@dataclass(frozen=True, slots=True)
class Run:
    """Compute a batch.

    Attributes:
        number: what to call it.
        key: the model.
        call: a key of METHODS.
        options: the method's keyword arguments.
        inputs: at least one.
    """

    number: int
    key: Key
    call: str
    options: tuple[tuple[str, Any], ...]
    inputs: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """A batch is computed.

    Attributes:
        number: which.
        answers: one for each input, in an array or a list; None for those that have an error.
        errors: by the input's place in the batch.
        seconds: how long it took.
    """

    number: int
    answers: Any
    errors: Mapping[int, BaseException]
    seconds: float


@dataclass(frozen=True, slots=True)
class Ping:
    """Say that you live; the answer is the same message."""

    number: int
