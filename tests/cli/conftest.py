"""Ways to run the command line: in this process, in one of its own, and on a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import pytest

from bertie.cli.main import run
from tests.timeouts import TIMEOUT


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def bertie(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command line in this process, without a terminal."""

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own."""

    def call(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bertie", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            **({"stdin": subprocess.DEVNULL} | options if "input" not in options else options),
        )

    return call


class Terminal:
    """A process whose input and output are a terminal."""

    def __init__(self, *arguments: object) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.environ.update(TERM="xterm", COLUMNS="100")
            command = [sys.executable, "-m", "bertie", *map(str, arguments)]
            os.execv(sys.executable, command)
        self.shown = ""

    def wait_for(self, *texts: str) -> None:
        """Read until texts have been shown one after another, and forget what was shown."""
        pattern = re.compile(".*?".join(map(re.escape, texts)), re.DOTALL)
        end = time.monotonic() + TIMEOUT
        while not pattern.search(self.shown):
            if time.monotonic() > end or not self._read(0.1):
                self._give_up(f"{texts} did not come")
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def end(self, *, typing: str = "") -> int:
        """Read what is left, and type a text again and again meanwhile. Returns: the exit code."""
        end = time.monotonic() + TIMEOUT
        while self._read(0.1):
            if time.monotonic() > end:
                self._give_up("it did not end")
            if typing:
                with suppress(OSError):  # there is nobody to read it any more
                    self.type(typing)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _give_up(self, why: str) -> NoReturn:
        """End the process and fail."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)
        raise AssertionError(f"{why}: {self.shown!r}")

    def _read(self, seconds: float) -> bool:
        """Read what is there; False at the end."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def terminal() -> type[Terminal]:
    return Terminal
