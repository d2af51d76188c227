"""Fetching a file from a server that breaks off, lies, or knows nothing of ranges."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bertie import _core
from bertie.errors import SourceError
from bertie.sources import http
from bertie.sources.environment import Unreachable
from bertie.sources.http import download
from bertie.sources.progress import silent

CONTENT = bytes(range(256)) * 1000


class Cutting(ThreadingHTTPServer):
    """A server of one file that can break off, and that says of it what a test wants.

    Attributes:
        content: the file.
        headers: sent beside Content-Length.
        cuts: after how many bytes to break off, an answer each.
        ranges: whether it knows of ranges.
        errors: codes to answer with instead, first to last.
        asked: the Range of each request, None for the whole file.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.headers = {"ETag": '"one"'}
        self.cuts: list[int] = []
        self.ranges = True
        self.errors: list[int] = []
        self.asked: list[str | None] = []
        self.wrong_begin = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.zip"


class _Handler(BaseHTTPRequestHandler):
    server: Cutting

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.errors:
            self.send_error(server.errors.pop(0))
            return
        begin = 0
        if asked and server.ranges and self.headers.get("If-Range") == server.headers.get("ETag"):
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(server.content):
                self.send_error(416)
                return
        body = server.content[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            stated = begin + server.wrong_begin
            end = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {stated}-{end}/{len(server.content)}")
        for name, value in {"Content-Length": str(len(body)), **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cutting]:
    """A server that runs for one test; nobody waits between tries."""
    monkeypatch.setattr(http, "_RETRY_PAUSES", (0.0, 0.0, 0.0))
    server = Cutting()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def hashes(content: bytes) -> str:
    """Say what x-goog-hash says of a file."""
    crc = _core.crc32c(content).to_bytes(4, "big")
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    return ",".join(
        f"{kind}={base64.b64encode(value).decode()}"
        for kind, value in (("crc32c", crc), ("md5", md5))
    )


def fetch(server: Cutting, tmp_path: Path) -> Path:
    into = tmp_path / "file.zip"
    download(server.url, into, "fetching", silent)
    return into


def test_a_file_comes_whole_and_is_asked_for_once(server: Cutting, tmp_path: Path) -> None:
    server.headers["x-goog-hash"] = hashes(CONTENT)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_transfer_that_breaks_off_goes_on_by_itself(server: Cutting, tmp_path: Path) -> None:
    server.headers["x-goog-hash"] = hashes(CONTENT)
    server.cuts = [1000, 50_000, 0, 7]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-", "bytes=51000-", "bytes=51000-", "bytes=51007-"]


def test_a_server_that_stops_for_good_is_said_so_and_the_next_call_goes_on(
    server: Cutting, tmp_path: Path
) -> None:
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(Unreachable, match=r"stopped sending; 1000 bytes are kept, and the next"):
        fetch(server, tmp_path)
    server.cuts, server.asked = [], []
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_another_file_is_never_joined_to_the_first_ones_beginning(
    server: Cutting, tmp_path: Path
) -> None:
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(Unreachable):
        fetch(server, tmp_path)
    server.content, server.headers, server.cuts = CONTENT[::-1], {"ETag": '"two"'}, []
    assert fetch(server, tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_strong_etag_it_begins_anew(
    server: Cutting, tmp_path: Path, headers: dict[str, str]
) -> None:
    server.headers, server.cuts = headers, [1000]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, None]


def test_a_server_that_knows_nothing_of_ranges_sends_it_anew(
    server: Cutting, tmp_path: Path
) -> None:
    server.ranges, server.cuts = False, [1000]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-"]


def test_an_answer_that_begins_elsewhere_is_not_taken(server: Cutting, tmp_path: Path) -> None:
    server.wrong_begin, server.cuts = True, [1000]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-", None]


def test_a_whole_file_is_only_asked_after(server: Cutting, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server: Cutting, tmp_path: Path) -> None:
    into = fetch(server, tmp_path)
    into.write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["md5", "crc32c"])
def test_a_file_that_is_not_what_the_server_says_is_refused_and_removed(
    server: Cutting, tmp_path: Path, kind: str
) -> None:
    wrong = dict(pair.split("=", 1) for pair in hashes(CONTENT[1:]).split(","))
    server.headers["x-goog-hash"] = f"{kind}={wrong[kind]}"
    with pytest.raises(SourceError, match=f"what came has {kind} .*, expected .*x-goog-hash"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_hash_that_nobody_knows_is_passed_over(server: Cutting, tmp_path: Path) -> None:
    server.headers["x-goog-hash"] = "sha3=AAAA"
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_part_is_checked_with_what_comes_later(server: Cutting, tmp_path: Path) -> None:
    server.headers["x-goog-hash"] = hashes(CONTENT)
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(Unreachable):
        fetch(server, tmp_path)
    into = tmp_path / "file.zip"
    into.write_bytes(b"\xff" + into.read_bytes()[1:])
    with pytest.raises(SourceError, match="what came has"):
        fetch(server, tmp_path)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_refusal_is_not_asked_for_twice(server: Cutting, tmp_path: Path, code: int) -> None:
    server.errors = [code] * 9
    with pytest.raises(SourceError, match=f"the server answered {code}") as caught:
        fetch(server, tmp_path)
    assert not isinstance(caught.value, Unreachable)
    assert len(server.asked) == 1


def test_a_server_that_is_busy_is_asked_again(server: Cutting, tmp_path: Path) -> None:
    server.errors = [503, 429]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    server.errors = [503] * 9
    with pytest.raises(Unreachable, match="answered 503"):
        fetch(server, tmp_path)


def test_a_server_that_is_not_there_is_unreachable(server: Cutting, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/file.zip"
    with pytest.raises(Unreachable, match=r"127.0.0.1:9/file.zip: .*refused$"):
        download(url, tmp_path / "file.zip", "fetching", silent)


def test_a_packed_answer_is_refused(server: Cutting, tmp_path: Path) -> None:
    server.headers["Content-Encoding"] = "gzip"
    with pytest.raises(SourceError, match="sends it as gzip, expected as it is"):
        fetch(server, tmp_path)


def test_a_file_larger_than_the_disk_is_not_begun(
    server: Cutting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(SourceError, match=f"10 bytes are free, but .* has {len(CONTENT)}"):
        fetch(server, tmp_path)


def test_progress_is_told_from_where_it_goes_on(server: Cutting, tmp_path: Path) -> None:
    server.cuts = [1000]
    told: list[tuple[str, int, int | None]] = []
    download(server.url, tmp_path / "file.zip", "it", lambda *state: told.append(state))
    assert told[0] == ("it", 1000, len(CONTENT))
    assert told[-1] == ("it", len(CONTENT), len(CONTENT))
