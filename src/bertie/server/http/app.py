"""The server as an ASGI application."""

from typing import TYPE_CHECKING

from bertie.server.http.app_state import AppState
from bertie.server.http.request import Receive, Request, Scope, Send
from bertie.server.http.request_handler import RequestHandler
from bertie.server.http.routes import ROUTES

if TYPE_CHECKING:
    from bertie.server.scheduling.service import Service
    from bertie.server.settings import Settings


class Application:
    """Every HTTP API over one service.

    Attributes:
        state: what all requests share.
    """

    def __init__(self, service: "Service", settings: "Settings") -> None:
        """Make the application; nothing is started.

        Args:
            service: what answers; whoever makes it starts and stops it.
            settings: everything that the server is told.
        Raises: InputError: a key in the settings is no hash; an index isn't there.
        Raises: ExtraMissing: traces are asked for, and OpenTelemetry isn't installed.
        """
        self.state = AppState(service, settings, ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await RequestHandler(self.state, Request(scope, receive)).run(send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
