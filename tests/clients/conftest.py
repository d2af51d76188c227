"""A server with a tiny model for each task, for others' clients, which reach nothing else."""

import gc
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

import bertie
from tests.server.conftest import everything as everything
from tests.server.running import Running

# Before any of them is imported: what they would fetch or tell.
os.environ.update(
    DO_NOT_TRACK="1",
    HAYSTACK_TELEMETRY_ENABLED="False",
    HF_HUB_DISABLE_TELEMETRY="1",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing but this machine be found, so that a test needs no network.

    What a client leaves open is closed here, where that is no fault of ours.
    """
    found = socket.getaddrinfo

    def of_this_machine(host: Any, *arguments: Any, **named: Any) -> Any:
        if host not in (None, "127.0.0.1", b"127.0.0.1", "localhost"):
            raise OSError(f"a client asks for {host}")
        return found(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", of_this_machine)
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture(scope="session")
def local(everything: Running) -> Callable[[str], Any]:
    """Loads the server's models into the library, by name."""

    @cache
    def load(name: str) -> Any:
        path, options = everything.sources[name]
        return bertie.load(path, **{"precision": "float32", "threads": 1, **options})

    return load


@pytest.fixture(scope="session")
def url(everything: Running) -> str:
    """The server's root."""
    return everything.url
