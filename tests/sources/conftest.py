"""Real wheels, a package index, and a hub, all on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.timeouts import TIMEOUT

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server(ThreadingHTTPServer):
    """A server on the loopback address that serves what is in `files`, by path.

    `stall_after` has it stop in the middle of a body of at least so many bytes until `go` is set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        self.stall_after: int | None = None
        self.silent = False
        self.waits: SimpleQueue[float] = SimpleQueue()  # seconds that clients bore the silence
        self.stalling = threading.Event()
        self.go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away, which is what some tests have it do."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        self.server.authorizations.append(self.headers.get("Authorization"))
        if self.server.silent:
            begun = time.monotonic()
            with suppress(ConnectionError):
                self.rfile.read(1)  # ends when the client goes away
            self.server.waits.put(time.monotonic() - begun)
            return
        if path not in self.server.files:
            self.send_error(404)
            return
        content, headers = self.server.files[path]
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        limit = self.server.stall_after
        if limit is not None and len(content) > limit:
            self.wfile.write(content[:limit])
            self.wfile.flush()
            self.server.stalling.set()
            self.server.go.wait(TIMEOUT)
            content = content[limit:]
        self.wfile.write(content)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs for one test."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.go.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and none of the user's settings for pip and the hub."""
    for name in os.environ.keys() - {"BERTIE_ISA"}:
        if name.startswith(("PIP_", "HF_", "HUGGING", "BERTIE_")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    return tmp_path / "home"


@pytest.fixture
def links(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all that pip finds packages in."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return links


def model_files(model: Path) -> dict[str, bytes]:
    """A model's files by their paths below its directory."""
    paths = [path for path in model.rglob("*") if path.is_file() and path.suffix != ".npz"]
    return {path.relative_to(model).as_posix(): path.read_bytes() for path in paths}


def make_wheel(
    links: Path, files: Mapping[str, bytes], *, package: str = "tiny_model", version: str = "1.0"
) -> Path:
    """Write a wheel with these files."""
    wheel = links / f"{package}-{version}-py3-none-any.whl"
    info = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def serve_index(server: Server, wheel: Path) -> None:
    """Serve a wheel as a package index does."""
    package = wheel.name.split("-")[0].replace("_", "-")
    page = f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
    server.files[f"/simple/{package}/"] = (page, {"Content-Type": "text/html"})
    server.files[f"/files/{wheel.name}"] = (wheel.read_bytes(), {})


def serve_hub(
    server: Server, repo: str, files: Mapping[str, bytes], revision: str = "main"
) -> None:
    """Serve files as the hub does."""
    listing = {
        "id": repo,
        "sha": COMMIT,
        "siblings": [{"rfilename": name, "size": len(data)} for name, data in files.items()],
    }
    page = (json.dumps(listing).encode(), {"Content-Type": "application/json"})
    server.files[f"/api/models/{repo}"] = page
    server.files[f"/api/models/{repo}/revision/{revision}"] = page
    for name, data in files.items():
        etag = hashlib.sha256(data).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}
        server.files[f"/{repo}/resolve/{COMMIT}/{name}"] = (data, headers)


@pytest.fixture
def bertie(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, as the hub's client reads its settings once."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bertie", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    return run
