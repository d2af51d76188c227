"""The servers that are measured: Bertie's, and what people run instead."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_TIMEOUT = 180.0  # seconds until a server has loaded its model


def _openai(texts: Sequence[str]) -> dict[str, Any]:
    """As the official openai package asks."""
    return {"input": list(texts), "model": "m", "encoding_format": "base64"}


@dataclass(frozen=True)
class ServerKind:
    """A server that can be measured.

    Attributes:
        name: what people call it.
        needs: the Python modules without which it doesn't run.
        command: runs it, given the model's directory and a port.
        route: where it embeds.
        body: a request for some texts.
        ready: answers 200 when it can be asked.
    """

    name: str
    needs: tuple[str, ...]
    command: Callable[[str | Path, int], list[str]]
    route: str
    body: Callable[[Sequence[str]], Mapping[str, Any]]
    ready: str


SERVERS: Mapping[str, ServerKind] = {
    "bertie": ServerKind(
        "Bertie",
        ("bertie",),
        lambda model, port: ["-m", "bertie", "serve", str(model), "--port", str(port)],
        "/v1/embeddings",
        _openai,
        "/health/ready",
    ),
    "infinity": ServerKind(
        "infinity-emb",
        ("infinity_emb", "torch"),
        lambda model, port: [
            *("-m", "infinity_emb.cli", "v2", "--model-id", str(model), "--served-model-name", "m"),
            *(
                "--engine",
                "torch",
                "--device",
                "cpu",
                "--port",
                str(port),
                "--no-bettertransformer",
            ),
            *("--host", "127.0.0.1"),
        ],
        "/embeddings",
        _openai,
        "/health",
    ),
    "fastapi": ServerKind(
        "FastAPI + sentence-transformers",
        ("fastapi", "uvicorn", "sentence_transformers"),
        lambda model, port: [
            str(Path(__file__).with_name("fastapi_app.py")),
            str(model),
            str(port),
        ],
        "/embed",
        lambda texts: {"texts": list(texts)},
        "/health",
    ),
}


def missing(kind: ServerKind) -> list[str]:
    """Name the modules that a server lacks here."""
    return [name for name in kind.needs if importlib.util.find_spec(name) is None]


class Server:
    """A server in processes of its own, which rests unless it is being measured."""

    def __init__(
        self, kind: ServerKind, model: str | Path, log: Path, flags: Sequence[str] = ()
    ) -> None:
        """Start it and wait until it is ready. Raises: RuntimeError: it doesn't become so."""
        self.kind = kind
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, *kind.command(model, port), *flags],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
            )
        end = time.monotonic() + _START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"{kind.name} didn't become ready; its words are in {log}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self.kind.ready, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def pause(self) -> None:
        """Take it off the CPU."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Put it back."""
        os.killpg(self._process.pid, signal.SIGCONT)

    @property
    def processes(self) -> list[int]:
        """The ids of its processes."""
        group = self._process.pid
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    fields = (path / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[2]) == group:
                    found.append(int(path.name))
        return found

    def resident(self) -> int:
        """The memory of its processes in bytes; what they share counts once (PSS)."""
        total = 0
        for pid in self.processes:
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def terminate(self) -> int:
        """Ask it to stop, as an orchestrator does. Returns: its exit code."""
        self._process.terminate()
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        """End it, however it is."""
        if self.processes:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
