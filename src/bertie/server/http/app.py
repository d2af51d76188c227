"""The server as an ASGI application."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from bertie.errors import Overloaded
from bertie.server.http import log, traces
from bertie.server.http.cors import Cors
from bertie.server.http.exchange import Exchange
from bertie.server.http.figures import Figures
from bertie.server.http.finished import Observer
from bertie.server.http.keys import Keys
from bertie.server.http.openapi import openapi
from bertie.server.http.request import Receive, Request, Scope, Send
from bertie.server.http.route import Router
from bertie.server.http.routes import ROUTES

if TYPE_CHECKING:
    from bertie.search import Index
    from bertie.server.scheduling.service import Service
    from bertie.server.settings import Settings


class Application:
    """Every HTTP API over one service.

    Attributes:
        service: what answers.
        settings, engine: of HTTP and of the engine.
        figures: what is counted.
        indexes: those that are searched in, by name.
        router, keys, cors: what the settings make of a request's path, key and origin.
        observers: called with a Finished when a request is done with.
    """

    def __init__(self, service: "Service", settings: "Settings") -> None:
        """Make the routes ready; nothing is started.

        Raises: InputError: a key in the settings is no hash; an index isn't there.
        """
        self.service = service
        self.settings = settings.http
        self.engine = settings.engine
        self.router = Router(ROUTES)
        self.keys = Keys.of(settings.http)
        self.cors = Cors(settings.http.cors_origins)
        self.figures = Figures(service)
        self.indexes = _indexes(settings.http.indexes)
        self.observers: list[Observer] = [self.figures.finished, log.finished]
        if settings.http.traces is not None:
            self.observers.append(traces.observer(settings.http.traces))
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await Exchange(self, Request(scope, receive)).run(send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document."""
        return openapi(self.router.routes)

    def hold(self, size: int) -> None:
        """Count bytes of bodies in memory. Raises: Overloaded: there are too many."""
        if self._held + size > self.settings.held_bytes:
            raise Overloaded("too many bodies are in memory already: try again soon", 1.0)
        self._held += size

    def release(self, size: int) -> None:
        """Count bytes of bodies that are gone."""
        self._held -= size


def _indexes(words: tuple[str, ...]) -> "Mapping[str, Index]":
    """Open the indexes, if there are any: what does it takes a while to import."""
    if not words:
        return {}
    from bertie.server.indexes import open_indexes

    return open_indexes(words)
