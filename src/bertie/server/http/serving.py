"""The server of HTTP connections, with limits on what a connection may take to begin."""

import asyncio
import ssl
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import httptools
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
    settings = application.state.settings
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
        timeout_graceful_shutdown=max(int(application.state.scheduling_settings.grace_s), 1),
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


class _Parser(httptools.HttpRequestParser):
    """Stays with HTTP/1.1 where a request offers HTTP/2, as Java's client does of itself.

    httptools takes such a request to have no body.
    """

    def __init__(self, connection: Any) -> None:
        """Read for a connection."""
        super().__init__(connection)
        with suppress(AttributeError):  # as uvicorn does, where httptools has it
            self.set_dangerous_leniencies(lenient_data_after_close=True)
        self._connection = connection

    def feed_data(self, data: Any) -> None:
        """Read bytes."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._connection.offered = data[offer.args[0] :]


def _protocol(header_timeout_s: float) -> type[HttpToolsProtocol]:
    """Make the class of connections.

    Args:
        header_timeout_s: seconds that a request's head may take.
    """

    class Connection(HttpToolsProtocol):
        """A connection that is closed where a request's head takes too long, or is too long."""

        _clock: asyncio.TimerHandle | None = None
        _head = 0
        _again = False  # whether a head is read that is known already
        offered: bytes | None = None  # what came behind a head that offers another protocol

        def __init__(self, *arguments: Any, **named: Any) -> None:
            """Read by a parser of our own."""
            super().__init__(*arguments, **named)
            self.parser = _Parser(self)

        def connection_made(self, transport: Any) -> None:
            """Wait for the first head."""
            super().connection_made(transport)
            self._clock = self.loop.call_later(header_timeout_s, self._close)

        def connection_lost(self, exc: Exception | None) -> None:
            """Wait for nothing more."""
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            """Take bytes; those of a head are counted."""
            self._head += len(data)
            super().data_received(data)
            while self.offered is not None:
                rest, self.offered = self.offered, None
                super().data_received(self._declined() + rest)
            if self._clock is not None and self._head > _LONGEST_HEAD:
                self._close()

        def _declined(self) -> bytes:
            """Begin the message again whose head offers to go on in another protocol.

            Returns: a head that says how its body is framed, and that is told to nobody.
            """
            self.parser = _Parser(self)
            self.cycle.more_body = True
            self._again = True
            framing = (b"content-length", b"transfer-encoding")
            lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] in framing]
            return b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"

        def on_header(self, name: bytes, value: bytes) -> None:
            """Take a header."""
            if not self._again:
                super().on_header(name, value)

        def on_url(self, url: bytes) -> None:
            """Take a part of the target."""
            if not self._again:
                super().on_url(url)

        def on_message_begin(self) -> None:
            """Wait for the rest of a head."""
            if self._again:
                return
            super().on_message_begin()
            if self._clock is None:
                self._head = 0
                self._clock = self.loop.call_later(header_timeout_s, self._close)

        def on_headers_complete(self) -> None:
            """Stop the clock: the head is there."""
            if self._again:
                self._again = False
                return
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
