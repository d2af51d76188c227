"""Compressed bodies are read as what they hold, under the limits of what they hold."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.server.http.decompression import ACCEPTED, Decompressor
from bertie.server.http.errors import RequestError
from tests.server.running import running
from tests.timeouts import TIMEOUT

LIMIT = 100_000
BODY = json.dumps({"inputs": ["the old bridge", "who reads"]}).encode()
Send = Callable[..., httpx.Response]


def bare(data: bytes) -> bytes:
    """Compress without any frame, as some take deflate to be."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


DEFLATERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.fixture(scope="module")
def send(tiny_sentence: Path) -> Iterator[Send]:
    """Sends bytes with what they are encoded by, and gives the response."""
    with (
        running({"m": (tiny_sentence, {})}, payload_limit=LIMIT, held_bytes=2 * LIMIT) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):

        def sent(body: Any, *encodings: str) -> httpx.Response:
            headers = [("content-encoding", encoding) for encoding in encodings]
            return client.post("/embed", content=body, headers=headers)

        yield sent


@pytest.mark.parametrize(
    ("body", "encodings"),
    [
        (gzip.compress(BODY), ["gzip"]),
        (gzip.compress(BODY), ["X-GZip"]),
        (zlib.compress(BODY), ["deflate"]),
        (bare(BODY), ["deflate"]),
        (BODY, ["identity"]),
        (BODY, [""]),
        (gzip.compress(zlib.compress(BODY)), ["deflate, gzip"]),
        (gzip.compress(zlib.compress(BODY)), ["deflate", "gzip"]),
        (gzip.compress(gzip.compress(BODY)), ["gzip , identity,gzip"]),
        (gzip.compress(BODY[:9]) + gzip.compress(b"") + gzip.compress(BODY[9:]), ["gzip"]),
        (gzip.compress(BODY, 0), ["gzip"]),
    ],
    ids=lambda given: str(given if isinstance(given, list) else len(given)),
)
def test_a_compressed_body_is_read(send: Send, body: bytes, encodings: list[str]) -> None:
    plain = send(BODY)
    assert plain.status_code == 200
    assert send(body, *encodings).json() == plain.json()
    pieces = (body[i : i + 1] for i in range(len(body)))
    assert send(pieces, *encodings).json() == plain.json()


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "none", "gzip;q=1"])
def test_what_is_not_known_is_415_and_says_what_is(send: Send, encoding: str) -> None:
    response = send(gzip.compress(BODY), encoding)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == ACCEPTED
    assert ACCEPTED in response.json()["error"]
    assert "accept-encoding" not in send(b"{").headers


def test_more_encodings_than_anybody_applies_are_refused(send: Send) -> None:
    assert send(BODY, ", ".join(["gzip"] * 50)).status_code == 415


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY)[:-1], "gzip"),
        (gzip.compress(BODY)[:-8], "gzip"),
        (gzip.compress(BODY)[:5], "gzip"),
        (b"", "gzip"),
        (b"", "deflate"),
        (b"\x78", "deflate"),
        (zlib.compress(BODY)[:-1], "deflate"),
        (bare(BODY)[:-1], "deflate"),
        (BODY, "gzip"),
        (BODY, "deflate"),
        (gzip.compress(BODY) + b"x", "gzip"),
        (gzip.compress(BODY) + gzip.compress(BODY)[:-1], "gzip"),
        (zlib.compress(BODY) + b"x", "deflate"),
        (zlib.compress(BODY) * 2, "deflate"),
        (gzip.compress(BODY)[:-6] + b"\0" + gzip.compress(BODY)[-5:], "gzip"),
        (gzip.compress(b"") * 5000, "gzip"),
        (gzip.compress(zlib.compress(BODY)[:-1]), "deflate, gzip"),
    ],
    ids=lambda given: given if isinstance(given, str) else str(len(given)),
)
def test_what_is_broken_or_goes_on_is_400(send: Send, body: bytes, encoding: str) -> None:
    response = send(body, encoding)
    assert response.status_code == 400
    assert "stream" in response.json()["error"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_the_limit_is_that_of_what_it_holds(send: Send, encoding: str) -> None:
    fits = b'{"inputs": "a"}'.ljust(LIMIT)
    assert send(DEFLATERS[encoding](fits), encoding).status_code == 200
    response = send(DEFLATERS[encoding](fits + b" "), encoding)
    assert response.status_code == 413
    assert f"inflated, expected at most {LIMIT}" in response.json()["error"]


@pytest.mark.parametrize(
    ("bomb", "encoding"),
    [
        (lambda: gzip.compress(b" " * 30_000_000, 1), "gzip"),
        (lambda: zlib.compress(gzip.compress(b" " * 30_000_000, 1)), "gzip, deflate"),
        (lambda: gzip.compress(gzip.compress(b"") * 500_000, 1), "gzip, gzip"),
    ],
    ids=["gzip", "twice", "of nothing"],
)
def test_a_bomb_goes_off_nowhere(send: Send, bomb: Callable[[], bytes], encoding: str) -> None:
    assert send(bomb()[:LIMIT], encoding).status_code in (400, 413)
    assert send(BODY).status_code == 200  # what was held is given back


def test_bytes_of_all_requests_are_counted_inflated(tiny_sentence: Path) -> None:
    with running({"m": (tiny_sentence, {})}, held_bytes=1000) as up:
        headers = {"content-encoding": "gzip"}
        body = gzip.compress(b'{"inputs": "a"}'.ljust(2000))
        for _ in range(3):
            response = httpx.post(f"{up.url}/embed", content=body, headers=headers, timeout=TIMEOUT)
            assert response.status_code == 429


def inflated(parts: Iterable[bytes], encodings: str, limit: int) -> bytes | str:
    """Inflate parts. Returns: what comes out, or the kind of the error."""
    decompressor = Decompressor(encodings, limit, lambda size: RequestError("too_large", str(size)))
    try:
        found = b"".join(piece for part in parts for piece in decompressor.decompress(part))
        decompressor.end()
    except RequestError as error:
        return error.kind
    return found


@settings(max_examples=60)
@given(
    data=st.binary(max_size=300),
    times=st.integers(1, 2000),
    names=st.lists(st.sampled_from(["gzip", "x-gzip", "deflate"]), min_size=1, max_size=4),
    step=st.integers(1, 40_000),
)
def test_whatever_was_deflated_comes_out_again(
    data: bytes, times: int, names: list[str], step: int
) -> None:
    whole = sent = data * times
    for name in names:
        sent = DEFLATERS[name](sent)
    parts = [sent[i : i + step] for i in range(0, len(sent), step)]
    assert inflated(parts, ",".join(names), len(whole)) == whole
    if whole:
        assert inflated(parts, ",".join(names), len(whole) - 1) == "too_large"


@settings(max_examples=100)
@given(data=st.binary(max_size=200), name=st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    found = inflated([data], name, 1000)
    assert found in ("malformed", "too_large") or len(found) <= 1000
