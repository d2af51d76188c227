"""The command that serves, in a process of its own, as users run it."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.timeouts import TIMEOUT


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes:
        url: its root.
        process: its own.
    """

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def served(*arguments: str, log: Path) -> Iterator[Served]:
    """Run `bertie serve` on a free port, and wait until it is ready."""
    command = [sys.executable, "-m", "bertie", "serve", "--port", "0", *arguments]
    with log.open("wb") as out:
        environment = {**os.environ, "BERTIE_THREADS": "1"}
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            yield Served(_ready(process, log), process)
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until a server says where it is, and that it can be asked."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(
            r"on (http://[^\s,]+)", log.read_text(encoding="utf-8", errors="replace")
        ):
            try:
                with urllib.request.urlopen(found[1] + "/health/ready", timeout=10):
                    return found[1]
            except OSError:
                pass
        time.sleep(0.05)
    raise AssertionError(
        f"the server isn't ready:\n{log.read_text(encoding='utf-8', errors='replace')}"
    )
