"""A worker process: `python -m bertie.server.scheduling.worker THREADS …`, begun by a server."""

import os
import signal
import socket
import sys
import threading
from queue import SimpleQueue
from typing import Any

from bertie.server.scheduling.frames import Assembler, encode, receive
from bertie.server.scheduling.messages import Ping
from bertie.server.scheduling.model_runner import ModelRunner
from bertie.server.scheduling.socket_pair import inherited_socket
from bertie.server.signals import STOP_SIGNALS


class _Connection:
    """The worker's end of the socket."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message; a front process that is gone needs none."""
        frame = encode(message)
        with self._lock:
            try:
                self._socket.sendall(frame)
            except OSError:
                os._exit(0)

    def read(self, messages: SimpleQueue[Any]) -> None:
        """Take messages in while batches are computed, until the front process is gone."""
        assembler = Assembler()
        try:
            while True:
                message = receive(self._socket, assembler)
                if isinstance(message, Ping):
                    self.send(message)
                else:
                    messages.put(message)
        finally:  # without a reader nobody would notice that the front process is gone
            os._exit(0)


def main(threads: int) -> None:
    """Do what the other end of a socket says, for as long as there is one."""
    # Whoever stops the server may signal all of its processes: the front one decides.
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    connection = _Connection(inherited_socket())
    connection.send(Ping())  # it has started
    runner = ModelRunner(connection.send, threads=threads)
    messages: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(
        target=connection.read, args=(messages,), name="bertie-read", daemon=True
    ).start()
    while True:
        runner.handle(messages.get())


if __name__ == "__main__":
    main(int(sys.argv[1]))
