"""The HTTP APIs: other servers' words, and our own, over one service."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bertie.server.http.app import Application
    from bertie.server.scheduling.service import Service
    from bertie.server.settings import Settings


def app(service: "Service", settings: "Settings") -> "Application":
    """Make the ASGI application.

    Args:
        service: what answers; whoever makes it starts and stops it.
        settings: everything that the server is told.
    Raises: InputError: a key in the settings is no hash; traces without a collector's URL.
    Raises: ExtraMissing: traces are asked for, and OpenTelemetry isn't installed.
    """
    from bertie.server.http.app import Application

    return Application(service, settings)
