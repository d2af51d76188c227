"""Fetching one large file over HTTP: it goes on where it was cut, and is checked at its end."""

import base64
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from bertie import _core
from bertie.errors import SourceError
from bertie.sources.environment import Unreachable
from bertie.sources.progress import Progress

_CHUNK = 1 << 20  # bytes
_TIMEOUT = 30.0  # seconds without a byte
# How often in a row a transfer may come no further, and the seconds before each try but the first.
_RETRY_PAUSES = (0.0, 0.5, 2.0, 5.0)
_RETRY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_RANGE_BEYOND_END = 416


@dataclass(frozen=True)
class Remote:
    """What a server says of a file.

    Attributes:
        url: its address.
        etag: the server's word for this state of it, None where it can't be told from another.
        size: its bytes, None where the server doesn't say.
        hashes: by kind (md5, crc32c), in base64, as x-goog-hash has them.
    """

    url: str
    etag: str | None
    size: int | None
    hashes: Mapping[str, str]


def download(url: str, into: Path, what: str, progress: Progress) -> None:
    """Fetch a file, or the rest of it.

    What has come stays in the file, and a file beside it says of what it is a part: a call that
    comes after an interrupted one goes on from there, and after a finished one only asks whether
    the file is still the same.

    Args:
        url: an address of http or https.
        into: the file, which may have a part of it already; its directory exists.
        what: what progress calls it.
        progress: called with the bytes that are here.
    Raises: Unreachable: the server can't be reached, or stopped in the middle; the same call goes
        on from there.
    Raises: SourceError: the server has no such file, it doesn't fit on the disk, or it isn't what
        the server says it is.
    """
    tries = 0
    reason = ""
    while tries < len(_RETRY_PAUSES):
        time.sleep(_RETRY_PAUSES[tries])
        before = _size(into)
        try:
            remote = _transfer(url, into, what, progress)
            if remote.size is None or _size(into) == remote.size:
                _check(into, remote)
                return
            reason = "the server stopped sending"
        except HTTPError as error:
            error.close()
            reason = f"the server answered {error.code} {error.reason}"
            if error.code not in _RETRY_STATUSES:
                raise SourceError(f"{url}: {reason}") from error
        except HTTPException as error:
            reason = str(error) or type(error).__name__
        # A server that sends something is worth another try.
        tries = 1 if _size(into) > before else tries + 1
    kept = f"; {_size(into)} bytes are kept, and the next pull goes on from there"
    raise Unreachable(f"{url}: {reason}" + (kept if _size(into) else ""))


def forget(into: Path) -> None:
    """Remove a file that was fetched, and what is beside it."""
    into.unlink(missing_ok=True)
    _state(into).unlink(missing_ok=True)


def _transfer(url: str, into: Path, what: str, progress: Progress) -> Remote:
    """Ask for what is missing and write it down, as far as it comes."""
    part = _part(url, into)
    try:
        response = _open(url, part, _size(into))
    except HTTPError as error:
        if part is None or error.code != _RANGE_BEYOND_END:
            raise
        error.close()
        if part.size == _size(into):
            return part
        into.unlink()
        part = None
        response = _open(url, None, 0)
    with response:
        begin = _begin(response)
        if part is None or begin is None:
            # Its state last: bytes of one file must never pass for those of another.
            into.unlink(missing_ok=True)
            part = _remote(url, response)
            _state(into).write_text(json.dumps(asdict(part)), encoding="utf-8")
        if begin not in (None, _size(into)):
            into.unlink(missing_ok=True)
            raise HTTPException(f"the server sent bytes from {begin} on, which nobody asked for")
        _require_room(into, part)
        with into.open("ab") as file:
            while chunk := _read(response):
                file.write(chunk)
                progress(what, file.tell(), part.size)
    return part


def _open(url: str, part: Remote | None, have: int) -> HTTPResponse:
    """Ask for a file, or for what follows a part of it as long as it is still the same file."""
    headers = {"Accept-Encoding": "identity"}
    if part is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": str(part.etag)}
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError:
        raise
    except OSError as error:
        raise HTTPException(str(getattr(error, "reason", error))) from error
    return response


def _read(response: HTTPResponse) -> bytes:
    """Read the next bytes; what the network does wrong is told apart from what the disk does."""
    try:
        return response.read(_CHUNK)
    except OSError as error:
        raise HTTPException(str(error)) from error


def _require_room(into: Path, remote: Remote) -> None:
    """Refuse a file that doesn't fit on the disk, before it is fetched."""
    free = shutil.disk_usage(into.parent).free
    if remote.size is not None and remote.size - _size(into) > free:
        raise SourceError(
            f"{into.parent}: {free} bytes are free, but {remote.url} has {remote.size};"
            " free the space, or set BERTIE_HOME to another directory"
        )


def _part(url: str, into: Path) -> Remote | None:
    """Say of what the bytes that are here already are a part, where that can be continued."""
    try:
        remote = Remote(**json.loads(_state(into).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return remote if remote.url == url and remote.etag and _size(into) else None


def _remote(url: str, response: HTTPResponse) -> Remote:
    """Read what a server says of the file that it begins to send."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise SourceError(f"{url}: the server sends it as {encoding}, expected as it is")
    length = response.headers.get("Content-Length")
    etag = response.headers.get("ETag")
    given = ",".join(response.headers.get_all("x-goog-hash", []))
    pairs = (each.strip().partition("=") for each in given.split(",") if each.strip())
    return Remote(
        url,
        # A weak one stands for the meaning, not for the bytes.
        etag if etag and not etag.startswith("W/") else None,
        int(length) if length and length.isascii() and length.isdigit() else None,
        {kind.lower(): value for kind, _, value in pairs},
    )


def _begin(response: HTTPResponse) -> int | None:
    """Say with which byte an answer begins; None for the whole file."""
    if response.status != 206:
        return None
    stated = response.headers.get("Content-Range", "")
    first = stated.removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isascii() and first.isdigit() else -1


def _check(path: Path, remote: Remote) -> None:
    """Hold the file against the server's hashes; one that doesn't fit is of no use to anybody."""
    for kind, expected in remote.hashes.items():
        found = _hash(path, kind)
        if found is not None and found != expected:
            forget(path)
            raise SourceError(
                f"{remote.url}: what came has {kind} {found}, expected {expected} from the"
                " server's x-goog-hash; pull again"
            )


def _hash(path: Path, kind: str) -> str | None:
    """Hash a file as the server does, in base64; None for a kind that isn't known here."""
    with path.open("rb") as file:
        if kind == "md5":
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
        elif kind == "crc32c":
            value = 0
            while chunk := file.read(_CHUNK):
                value = _core.crc32c(chunk, value)
            digest = value.to_bytes(4, "big")
        else:
            return None
    return base64.b64encode(digest).decode("ascii")


def _size(path: Path) -> int:
    """Count the bytes that are here."""
    return path.stat().st_size if path.is_file() else 0


def _state(path: Path) -> Path:
    """Name the file that says of what a part is a part."""
    return path.with_name(f"{path.name}.json")
