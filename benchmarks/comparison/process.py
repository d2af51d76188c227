"""The processes of the engines: only the one whose turn it is runs, all others are stopped.

Thread pools disturb each other where they spin while they wait, as several do by default. A stopped
process can't: SIGSTOP takes every thread of it off the CPU, SIGCONT puts them back. So every engine
keeps its own defaults, and has the machine to itself.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from comparison.engines import Engine, ModelFiles

_WORKER = Path(__file__).with_name("worker.py")


class Process:
    """An engine that has loaded a model in a process of its own, and rests."""

    def __init__(
        self,
        engine: Engine,
        files: ModelFiles,
        threads: int,
        texts: Path,
        python: str | Path = sys.executable,
    ) -> None:
        """Start it. Raises: RuntimeError: it could not load; its own words are on stderr."""
        self.engine = engine
        environment = {
            "OMP_NUM_THREADS": str(threads),
            "RAYON_NUM_THREADS": str(threads),  # tokenizers
            "TOKENIZERS_PARALLELISM": "true",
            "OPENBLAS_NUM_THREADS": "1",  # NumPy pools small matrices; more threads cost time
            "HF_HUB_OFFLINE": "1",
        }
        path = [str(_WORKER.parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [
                *(python, _WORKER, engine.key),
                *(files.checkpoint, files.work, str(threads), texts),
            ],
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.notes: dict[str, Any] = self._read_response()["notes"]

    def run(self, **request: Any) -> dict[str, Any]:
        """Let it run until it has answered."""
        assert self._process.stdin is not None
        os.kill(self._process.pid, signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read_response()

    @property
    def resident_bytes(self) -> int:
        """The memory that it holds in RAM."""
        fields = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * resource.getpagesize()

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _read_response(self) -> dict[str, Any]:
        """Wait for an answer, then stop it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.engine.key} ended with code {self._process.wait()}")
        os.kill(self._process.pid, signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer
