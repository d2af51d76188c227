"""The socket pair between the front process and a worker: how the worker gets its end."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

if sys.platform == "win32":

    def spawn(
        command: Sequence[str], **options: Any
    ) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        """Start a program that calls inherited_socket.

        A handle can be given to one process only, which must run already: so it gets it on its
        standard input.

        Args:
            command: the program and its arguments.
            options: for subprocess.Popen.
        Returns: the process, and this side's end.
        """
        ours, theirs = socket.socketpair()  # of TCP there
        for end in (ours, theirs):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with theirs:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, **options)
            assert process.stdin is not None
            # One that died already is noticed by the end of its socket, like any other.
            with suppress(OSError), process.stdin as pipe:
                pipe.write(theirs.share(process.pid))
        return process, ours

    def inherited_socket() -> socket.socket:
        """Give the end that spawn left to this process."""
        return socket.fromshare(sys.stdin.buffer.read())

else:

    def spawn(
        command: Sequence[str], **options: Any
    ) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        """Start a program that calls inherited_socket, its end being its last argument.

        Args:
            command: the program and its arguments.
            options: for subprocess.Popen.
        Returns: the process, and this side's end.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            process = subprocess.Popen(
                [*command, str(number)], stdin=subprocess.DEVNULL, pass_fds=(number,), **options
            )
        return process, ours

    def inherited_socket() -> socket.socket:
        """Give the end that spawn left to this process."""
        return socket.socket(fileno=int(sys.argv[-1]))
