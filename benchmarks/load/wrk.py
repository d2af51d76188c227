"""wrk, a compiled load generator: https://github.com/wg/wrk, in Debian as wrk."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("rotate.lua")


@dataclass(frozen=True)
class LoadResult:
    """What a generator saw.

    Attributes:
        requests: answered, in all.
        refused: those of them with a status of 400 or more.
        broken: connections that were refused, cut or too slow.
        seconds: how long it asked.
        ms: latency: p50, p95, p99, most.
        cores: what the generator itself used of the machine's.
    """

    requests: int
    refused: int
    broken: int
    seconds: float
    ms: Mapping[str, float]
    cores: float

    @property
    def rate(self) -> float:
        """Requests that were answered well, each second."""
        return (self.requests - self.refused) / self.seconds


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def run(
    url: str,
    bodies: Sequence[Mapping[str, Any]],
    *,
    seconds: int,
    connections: int = 64,
    pause_ms: float = 0.0,
) -> LoadResult:
    """Post bodies in turn over some connections.

    Args:
        seconds: how long.
        connections: each sends its next request when the last one is answered.
        pause_ms: what a connection waits in between, on average; exponentially distributed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(body) + "\n" for body in bodies)
        file.flush()
        command = [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"),
            *("-s", _SCRIPT, url, "--", file.name, str(pause_ms)),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        stdout = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"wrk ended with {process.returncode}: {stdout}")
    found = json.loads(stdout.strip().splitlines()[-1])
    return LoadResult(cores=(used.ru_utime + used.ru_stime) / found["seconds"], **found)
