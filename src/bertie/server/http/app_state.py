"""What all requests to a server share, whether they come over HTTP or gRPC."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from bertie.errors import Overloaded
from bertie.server.http import log, traces
from bertie.server.http.access_record import Observer
from bertie.server.http.cors import Cors
from bertie.server.http.keys import Keys
from bertie.server.http.metrics import Metrics
from bertie.server.http.openapi import openapi
from bertie.server.http.route import Route, Router

if TYPE_CHECKING:
    from bertie.search import Index
    from bertie.server.scheduling.service import Service
    from bertie.server.settings import Settings


class AppState:
    """The state of the application.

    Attributes:
        service: what answers.
        settings, scheduling_settings: of HTTP and of the scheduling.
        router, keys, cors: what the settings make of a request's path, key and origin.
        metrics: what is counted.
        indexes: those that are searched in, by name.
        observers: called with an AccessRecord when a request is done with.
    """

    def __init__(self, service: "Service", settings: "Settings", routes: Iterable[Route]) -> None:
        """Make the routes ready; nothing is started.

        Raises: InputError: a key in the settings is no hash; an index isn't there.
        """
        self.service = service
        self.settings = settings.http
        self.scheduling_settings = settings.engine
        self.router = Router(routes)
        self.keys = Keys.of(settings.http)
        self.cors = Cors(settings.http.cors_origins)
        self.metrics = Metrics(service)
        self.indexes = _indexes(settings.http.indexes)
        self.observers: list[Observer] = [self.metrics.observe_request, log.log_request]
        if settings.http.traces is not None:
            self.observers.append(traces.observer(settings.http.traces))
        self._held_bytes = 0

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document."""
        return openapi(self.router.routes)

    def hold(self, size: int) -> None:
        """Count bytes of bodies in memory. Raises: Overloaded: there are too many."""
        if self._held_bytes + size > self.settings.held_bytes:
            raise Overloaded("too many bodies are in memory already: try again soon", 1.0)
        self._held_bytes += size

    def release(self, size: int) -> None:
        """Count bytes of bodies that are gone."""
        self._held_bytes -= size


def _indexes(texts: tuple[str, ...]) -> "Mapping[str, Index]":
    """Open the indexes, if there are any: what does it takes a while to import."""
    if not texts:
        return {}
    from bertie.server.indexes import open_indexes

    return open_indexes(texts)
