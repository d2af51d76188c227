"""Starting a worker process with an end of a socket pair: front's side, and the worker's."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

if sys.platform == "win32":

    def start(
        command: Sequence[str], **given: Any
    ) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        """Start a program that calls handed_over.

        A handle can be given to one process only, which must run already: so it is told on its
        standard input.

        Args:
            command: the program and its arguments.
            given: for subprocess.Popen.
        Returns: the process, and this side's end.
        """
        ours, theirs = socket.socketpair()  # of TCP there
        for end in (ours, theirs):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with theirs:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, **given)
            assert process.stdin is not None
            # One that died already is noticed by the end of its socket, like any other.
            with suppress(OSError), process.stdin as told:
                told.write(theirs.share(process.pid))
        return process, ours

    def handed_over() -> socket.socket:
        """The end that start gave this process."""
        return socket.fromshare(sys.stdin.buffer.read())

else:

    def start(
        command: Sequence[str], **given: Any
    ) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        """Start a program that calls handed_over, its end being its last argument.

        Args:
            command: the program and its arguments.
            given: for subprocess.Popen.
        Returns: the process, and this side's end.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            process = subprocess.Popen(
                [*command, str(number)], stdin=subprocess.DEVNULL, pass_fds=(number,), **given
            )
        return process, ours

    def handed_over() -> socket.socket:
        """The end that start gave this process."""
        return socket.socket(fileno=int(sys.argv[-1]))
