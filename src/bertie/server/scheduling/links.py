"""Links: the front process's ends of what computes, a process or a thread."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from bertie.server.scheduling.ends import start
from bertie.server.scheduling.frames import Assembler, decoded, encoded
from bertie.server.scheduling.host import Host
from bertie.server.scheduling.messages import Ping

_WORKER = "bertie.server.scheduling.worker"

# Takes a message from a worker; on the event loop.
Receive = Callable[[Any], None]


class Link(Protocol):
    """What a worker looks like from the front process.

    Attributes:
        pid: of the process that computes.
    """

    pid: int

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""

    def kill(self) -> None:
        """End the worker at once, whatever it does."""

    async def close(self, patience: float) -> None:
        """Let the worker end; kill it after so many seconds."""


class _Reader(asyncio.BufferedProtocol):
    """Messages that come over a socket."""

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        self._assembler = Assembler()
        self._receive = receive
        self._lost = lost

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the loop the memory that the next bytes go to."""
        return self._assembler.space()

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of bytes, and give out the message that they complete."""
        frame = self._assembler.filled(nbytes)
        if frame is not None:
            self._receive(decoded(frame))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the worker is gone."""
        self._lost()


class ProcessLink:
    """A worker in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", transport: asyncio.Transport) -> None:
        self.pid = process.pid
        self._process = process
        self._transport = transport

    @classmethod
    async def start(cls, threads: int, receive: Receive, lost: Callable[[], None]) -> "ProcessLink":
        """Start a worker.

        Args:
            threads: the most cores that one of its batches uses.
            receive: takes its messages.
            lost: is called once, when it is gone.
        """
        process, ours = start(
            [sys.executable, "-m", _WORKER, str(threads)],
            stdout=sys.stderr.fileno() if _has_descriptor() else subprocess.DEVNULL,
        )
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Reader(receive, lost), sock=ours)
        return cls(process, transport)

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""
        self._transport.write(encoded(message))

    def kill(self) -> None:
        """End the worker at once, whatever it does."""
        self._process.kill()

    async def close(self, patience: float) -> None:
        """Let the worker end; kill it after so many seconds."""
        self._transport.close()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._process.wait, patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await loop.run_in_executor(None, self._process.wait)


def _has_descriptor() -> bool:
    """Tell whether standard error is a file that a process can write to."""
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True


class ThreadLink:
    """A worker in a thread of the front process, with which it dies."""

    def __init__(self, threads: int, receive: Receive) -> None:
        """Start a worker.

        Args:
            threads: the most cores that one of its batches uses.
            receive: takes its messages.
        """
        self.pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._work: SimpleQueue[Any] = SimpleQueue()
        host = Host(self._reply, threads=threads)
        self._thread = threading.Thread(
            target=self._compute, args=(host,), name="bertie-compute", daemon=True
        )
        self._thread.start()

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""
        if isinstance(message, Ping):
            self._loop.call_soon(self._receive, message)
        else:
            self._work.put(message)

    def kill(self) -> None:
        """Do nothing: a thread can't be ended."""

    async def close(self, patience: float) -> None:
        """Let the thread end; leave it behind after so many seconds."""
        self._work.put(None)
        await self._loop.run_in_executor(None, self._thread.join, patience)

    def _compute(self, host: Host) -> None:
        """Do what messages say."""
        for message in iter(self._work.get, None):
            host.handle(message)

    def _reply(self, message: Any) -> None:
        """Give a message to the event loop, unless it is gone."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._receive, message)
