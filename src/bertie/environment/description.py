"""Everything about an environment in one record, as far as it can be found out."""

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import bertie
from bertie.environment.core import Choice, Core, choice, core
from bertie.environment.machine import Cpu, System, cpu, fallback_cpu, system
from bertie.environment.packages import Package, installed, packages
from bertie.environment.variables import variables
from bertie.errors import BertieError
from bertie.sources.cached_models import CachedModel, cached_models, size_of
from bertie.sources.environment import cache_directory, offline

_T = TypeVar("_T")


@dataclass(frozen=True)
class Python:
    """The interpreter: its version, whose it is, and where it lies."""

    version: str
    implementation: str
    executable: str


@dataclass(frozen=True)
class Cache:
    """Where fetched models lie, and which are there.

    Attributes:
        directory: it need not exist; None: there is no place for it.
        bytes: of everything in it; None: it can't be read.
        models: by their names in it.
    """

    directory: str | None
    bytes: int | None
    models: tuple[CachedModel, ...]


@dataclass(frozen=True)
class Environment:
    """What Bertie runs on.

    Attributes:
        faults: what is broken, without which there is nothing to load or to compute with.
        bertie: its version; None: it runs from its sources without being installed.
        directory: where it is imported from.
        packages: those of the base and of every extra.
        core: None: it can't be imported.
        choice: None: nothing can be computed here.
        variables: those that change what Bertie does, without secrets.
        offline: whether BERTIE_OFFLINE forbids the network; None: it says neither yes nor no.
    """

    faults: tuple[str, ...]
    bertie: str | None
    directory: str
    python: Python
    packages: tuple[Package, ...]
    system: System
    cpu: Cpu
    core: Core | None
    choice: Choice | None
    variables: Mapping[str, str]
    offline: bool | None
    cache: Cache

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return asdict(self)


class _Examination:
    """What can't be found out, and why."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def attempt(self, what: str, work: Callable[[], _T]) -> _T | None:
        """Do one thing; whatever error it ends with is a fault, and the rest goes on without."""
        try:
            return work()
        except Exception as error:
            why = str(error) if isinstance(error, BertieError) else f"{what}: {_named(error)}"
            self.faults.append(" ".join(why.split()))
            return None


def describe() -> Environment:
    """Describe what Bertie runs on here.

    No model is loaded, and nothing touches the network. What is broken is a fault, and the rest is
    described without it.
    """
    seen = _Examination()
    built = seen.attempt("the core can't be used", core)
    return Environment(
        bertie=seen.attempt("Bertie's version can't be read", lambda: installed("bertie")),
        directory=str(Path(bertie.__file__).parent),
        python=Python(platform.python_version(), platform.python_implementation(), sys.executable),
        packages=seen.attempt("Bertie's packages can't be listed", packages) or (),
        system=system(),
        cpu=(seen.attempt("the CPU is unknown", cpu) if built else None) or fallback_cpu(),
        core=built,
        choice=seen.attempt("nothing can be computed", choice) if built else None,
        variables=variables(),
        offline=seen.attempt("", offline),
        cache=_cache(seen),
        faults=tuple(seen.faults),
    )


def _cache(seen: _Examination) -> Cache:
    """Look what is in the cache."""
    directory = seen.attempt("there is no place for a cache", cache_directory)
    if directory is None:
        return Cache(None, None, ())
    found = seen.attempt(
        f"the cache {directory} can't be read",
        lambda: (size_of(directory), tuple(cached_models(directory))),
    )
    return Cache(str(directory), *(found or (None, ())))


def _named(error: Exception) -> str:
    """An error's kind and message."""
    return f"{type(error).__name__}: {error}"
