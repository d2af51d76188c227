"""What the tests of the server share: one that has a model for every task."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bertie

if TYPE_CHECKING:
    from .running import Running


@pytest.fixture(scope="session")
def everything(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tiny_sentence: Path
) -> "Iterator[Running]":
    """A server with a tiny model for each task, the embedder first."""
    from .running import make_models, running

    models = make_models(tmp_path_factory.mktemp("served"), tiny_bert, tiny_sentence)
    with running(models) as up:
        yield up


@pytest.fixture(scope="session")
def local(everything: "Running") -> Callable[[str], Any]:
    """Loads the server's models into the library, by name."""

    @cache
    def load(name: str) -> Any:
        path, options = everything.sources[name]
        return bertie.load(path, **{"precision": "float32", "threads": 1, **options})

    return load
