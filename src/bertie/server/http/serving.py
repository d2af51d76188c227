"""The server of HTTP connections, with limits on what a connection may take to begin."""

import asyncio
import ssl
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bertie.errors import InputError

if TYPE_CHECKING:
    from bertie.server.http.app import Application

_LONGEST_HEAD = 65_536  # bytes of a request's line and headers
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def server(application: "Application") -> uvicorn.Server:
    """Make the server of an application; signals are left to whoever runs it.

    Raises: InputError: the certificate or its key can't be used.
    """
    settings = application.settings
    _check_tls(settings)
    config = uvicorn.Config(
        application,
        http=_protocol(settings.header_timeout_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=max(round(settings.idle_timeout_s), 1),
        timeout_graceful_shutdown=max(int(application.engine.grace_s), 1),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    made = uvicorn.Server(config)
    made.capture_signals = nullcontext  # type: ignore[assignment,method-assign]
    return made


def _check_tls(settings: Any) -> None:
    """Refuse a certificate that can't be used."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise InputError("tls_certificate and tls_key go together, but only one of them is given")
    if certificate is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{certificate} and {key}: {error}: expected PEM files") from error


def _protocol(patience: float) -> type[HttpToolsProtocol]:
    """Make the class of connections.

    Args:
        patience: seconds that a request's head may take.
    """

    class Connection(HttpToolsProtocol):
        """A connection that is closed where a request's head takes too long, or is too long."""

        _clock: asyncio.TimerHandle | None = None
        _head = 0

        def connection_made(self, transport: Any) -> None:
            """Wait for the first head."""
            super().connection_made(transport)
            self._clock = self.loop.call_later(patience, self._close)

        def connection_lost(self, exc: Exception | None) -> None:
            """Wait for nothing more."""
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            """Take bytes; those of a head are counted."""
            self._head += len(data)
            super().data_received(data)
            if self._clock is not None and self._head > _LONGEST_HEAD:
                self._close()

        def on_message_begin(self) -> None:
            """Wait for the rest of a head."""
            super().on_message_begin()
            if self._clock is None:
                self._head = 0
                self._clock = self.loop.call_later(patience, self._close)

        def on_headers_complete(self) -> None:
            """Stop the clock: the head is there."""
            self._stop()
            super().on_headers_complete()

        def _stop(self) -> None:
            """Stop the clock."""
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _close(self) -> None:
            """Give up on a head."""
            self._stop()
            if not self.transport.is_closing():
                self.transport.write(_TOO_SLOW)
                self.transport.close()

    return Connection
