"""A request as it comes in: who asks for what, and the body up to its limit."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeAlias

from bertie.server.http import request_options
from bertie.server.http.decompression import Decompressor, compressed_limit
from bertie.server.http.errors import RequestError
from bertie.server.http.timeout import Timeout

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_SLASHES = re.compile("//+")
# Bodies of so many bytes are read to their end though they are refused, within so many seconds.
_DRAINED = 262_144
_DRAINED_S = 1.0
# After so many pieces of a body, other requests have their turn.
_PIECES_AT_ONCE = 16


class Disconnected(Exception):
    """Whoever asked is gone."""


class Request:
    """One HTTP request.

    Attributes:
        method: HTTP's.
        path: decoded, without the slashes that a base and a path leave where clients join them.
        headers: by lower-case name; of several of one name the last.
        id: the caller's x-request-id where it is a decent one, else a new one.
        started: time.perf_counter when it came in.
        read: whether all of the body has been read.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Look at the head; nothing of the body is read."""
        self.method: str = scope["method"]
        self.path: str = _SLASHES.sub("/", scope["path"])
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.scope = scope
        self.started = time.perf_counter()
        self.read = False
        self._receive = receive

    @cached_property
    def id(self) -> str:
        """The request's name in the log and in the response."""
        return request_options.request_id(self.header)

    def header(self, name: str) -> str:
        """Give a header, or "" where there is none."""
        return self.headers.get(name.encode("latin-1"), b"").decode("latin-1")

    def header_list(self, name: str) -> str:
        """Give all headers of a name, with commas between them as HTTP has lists."""
        wanted = name.encode("latin-1")
        if wanted not in self.headers:  # as nearly always
            return ""
        found = [value for known, value in self.scope["headers"] if known == wanted]
        return b",".join(found).decode("latin-1")

    async def body(self, limit: int, timeout_s: float, hold: Callable[[int], None]) -> bytes:
        """Read the body, inflate it where it is compressed, and stop where it is too long.

        Args:
            limit: bytes, once it is inflated.
            timeout_s: seconds that all of it may take.
            hold: told of the inflated bytes as they come; raises where there are too many of all
                requests.
        Raises: RequestError: too long, too slow, or compressed in no known way or not as it says.
        Raises: Disconnected: the caller is gone.
        """

        def too_large(size: int) -> RequestError:
            inflated = " inflated" if decompressor else ""
            return RequestError(
                "too_large",
                f"the body has {size} bytes or more{inflated}, expected at most {limit}: send it"
                " in several requests",
            )

        decompressor = Decompressor(self.header_list("content-encoding"), limit, too_large)
        most = compressed_limit(limit) if decompressor else limit
        stated = self.header("content-length")
        if stated.isascii() and stated.isdigit() and int(stated[:20]) > most:
            raise too_large(int(stated[:20]))
        parts: list[bytes] = []
        size = 0
        try:
            with Timeout(timeout_s):
                while not self.read:
                    part = await self._part()
                    size += len(part)
                    if size > most:
                        raise too_large(size)
                    for piece in decompressor.decompress(part):
                        hold(len(piece))
                        parts.append(piece)
                        if len(parts) % _PIECES_AT_ONCE == 0:
                            await asyncio.sleep(0)
        except TimeoutError:
            raise RequestError(
                "slow", f"the body took longer than {timeout_s:g} seconds: send it faster"
            ) from None
        decompressor.end()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _part(self) -> bytes:
        """Wait for more of the body."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        self.read = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def drain(self) -> None:
        """Read what is left of a small body, so that the connection can go on.

        A connection that is closed with bytes unread is reset, and the response may be lost.
        """
        stated = self.header("content-length")
        small = stated.isascii() and stated.isdigit() and int(stated[:20]) <= _DRAINED
        if self.read or not small:
            return
        with suppress(TimeoutError), Timeout(_DRAINED_S):
            while not self.read:
                message = await self._receive()
                self.read = not message.get("more_body", False)

    async def disconnected(self) -> None:
        """Wait until the caller is gone; the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
