"""A worker process: `python -m bertie.server.scheduling.worker THREADS …`, begun by a server."""

import os
import signal
import socket
import sys
import threading
from queue import SimpleQueue
from typing import Any

from bertie.server.scheduling.ends import handed_over
from bertie.server.scheduling.frames import Assembler, encoded, receive
from bertie.server.scheduling.host import Host
from bertie.server.scheduling.messages import Ping
from bertie.server.signals import STOPPING


class _Line:
    """The worker's end of the socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message; a front process that is gone needs none."""
        frame = encoded(message)
        with self._sending:
            try:
                self._end.sendall(frame)
            except OSError:
                os._exit(0)

    def read(self, work: SimpleQueue[Any]) -> None:
        """Take messages in while batches are computed, until the front process is gone."""
        assembler = Assembler()
        try:
            while True:
                message = receive(self._end, assembler)
                if isinstance(message, Ping):
                    self.send(message)
                else:
                    work.put(message)
        finally:  # without a reader nobody would notice that the front process is gone
            os._exit(0)


def main(threads: int) -> None:
    """Do what the other end of a socket says, for as long as there is one."""
    # Whoever stops the server may signal all of its processes: the front one decides.
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    line = _Line(handed_over())
    line.send(Ping(0))  # as a first word
    host = Host(line.send, threads=threads)
    work: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=line.read, args=(work,), name="bertie-read", daemon=True).start()
    while True:
        host.handle(work.get())


if __name__ == "__main__":
    main(int(sys.argv[1]))
