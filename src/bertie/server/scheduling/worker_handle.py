"""A worker's handle in the front process: to a process that runs worker.py, or to a thread."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from bertie.server.scheduling.frames import Assembler, decode, encode
from bertie.server.scheduling.messages import Ping
from bertie.server.scheduling.model_runner import ModelRunner
from bertie.server.scheduling.socket_pair import spawn

_WORKER = "bertie.server.scheduling.worker"

# Takes a message from a worker; on the event loop.
Receive = Callable[[Any], None]


class WorkerHandle(Protocol):
    """What a worker looks like from the front process.

    Attributes:
        pid: of the process that computes.
    """

    pid: int

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""

    def kill(self) -> None:
        """End the worker at once, whatever it does."""

    async def close(self, timeout: float) -> None:
        """Let the worker end; kill it after so many seconds."""


class _Reader(asyncio.BufferedProtocol):
    """Messages that come over a socket."""

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        self._assembler = Assembler()
        self._receive = receive
        self._lost = lost

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the loop the memory that the next bytes go to."""
        return self._assembler.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of bytes, and give out the message that they complete."""
        frame = self._assembler.received(nbytes)
        if frame is not None:
            self._receive(decode(frame))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the worker is gone."""
        self._lost()


class WorkerProcess:
    """The handle to a worker in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", transport: asyncio.Transport) -> None:
        self.pid = process.pid
        self._process = process
        self._transport = transport

    @classmethod
    async def start(
        cls, threads: int, receive: Receive, lost: Callable[[], None]
    ) -> "WorkerProcess":
        """Start a worker.

        Args:
            threads: the most cores that one of its batches uses.
            receive: takes its messages.
            lost: is called once, when it is gone.
        """
        process, ours = spawn(
            [sys.executable, "-m", _WORKER, str(threads)],
            stdout=sys.stderr.fileno() if _has_file_descriptor() else subprocess.DEVNULL,
        )
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Reader(receive, lost), sock=ours)
        return cls(process, transport)

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""
        self._transport.write(encode(message))

    def kill(self) -> None:
        """End the worker at once, whatever it does."""
        self._process.kill()

    async def close(self, timeout: float) -> None:
        """Let the worker end; kill it after so many seconds."""
        self._transport.close()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._process.wait, timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await loop.run_in_executor(None, self._process.wait)


def _has_file_descriptor() -> bool:
    """Tell whether standard error is a file that a process can write to."""
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True


class WorkerThread:
    """The handle to a worker in a thread of the front process, with which it dies."""

    def __init__(self, threads: int, receive: Receive) -> None:
        """Start a worker.

        Args:
            threads: the most cores that one of its batches uses.
            receive: takes its messages.
        """
        self.pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._messages: SimpleQueue[Any] = SimpleQueue()
        runner = ModelRunner(self._reply, threads=threads)
        self._thread = threading.Thread(
            target=self._compute, args=(runner,), name="bertie-compute", daemon=True
        )
        self._thread.start()

    def send(self, message: Any) -> None:
        """Send a message, in order, without waiting."""
        if isinstance(message, Ping):
            self._loop.call_soon(self._receive, message)
        else:
            self._messages.put(message)

    def kill(self) -> None:
        """Do nothing: a thread can't be ended."""

    async def close(self, timeout: float) -> None:
        """Let the thread end; leave it behind after so many seconds."""
        self._messages.put(None)
        await self._loop.run_in_executor(None, self._thread.join, timeout)

    def _compute(self, runner: ModelRunner) -> None:
        """Do what messages say."""
        for message in iter(self._messages.get, None):
            runner.handle(message)

    def _reply(self, message: Any) -> None:
        """Give a message to the event loop, unless it is gone."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._receive, message)
