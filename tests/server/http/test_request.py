"""Requests as programs of all kinds put them: what HTTP and JSON leave open is taken either way."""

import codecs
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.server.running import Running
from tests.timeouts import TIMEOUT

BODY = b'{"input": "the old bridge", "model": "embed"}'
Send = Callable[..., list[tuple[int, Any]]]


@pytest.fixture(scope="module")
def expected(everything: Running) -> Any:
    """The answer to BODY."""
    return httpx.post(f"{everything.url}/v1/embeddings", content=BODY, timeout=TIMEOUT).json()


@pytest.fixture(scope="module")
def send(everything: Running) -> Send:
    """Sends bytes, in several parts, and gives the responses until the connection is closed."""

    def sent(*parts: bytes) -> list[tuple[int, Any]]:
        with socket.create_connection(("127.0.0.1", everything.port), TIMEOUT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            file = connection.makefile("rb")
            found = []
            for part in parts:
                connection.sendall(part)
            while line := file.readline():
                status, head = int(line.split()[1]), {}
                while (line := file.readline().strip()) != b"":
                    name, _, value = line.partition(b": ")
                    head[name] = value
                length = int(head.get(b"content-length", b"0"))
                found.append((status, file.read(length)))
            return [(status, json.loads(body) if body else None) for status, body in found]

    return sent


def request(
    line: bytes = b"POST /v1/embeddings HTTP/1.1",
    *headers: bytes,
    body: bytes = BODY,
    close: bool = True,
) -> bytes:
    """Write a request, after which the connection is closed or not."""
    length = b"content-length: %d" % len(body) if body else b"x-none: 0"
    last = b"connection: close" if close else b"x-more: 1"
    return b"\r\n".join([line, b"host: a", length, *headers, last, b"", body])


@pytest.mark.parametrize(
    "line",
    [
        b"POST /v1/embeddings HTTP/1.0",
        b"POST //v1/embeddings HTTP/1.1",
        b"POST /v1//embeddings HTTP/1.1",
        b"POST /v1/embeddings/ HTTP/1.1",
        b"POST /v1/embeddings// HTTP/1.1",
        b"POST http://a/v1/embeddings HTTP/1.1",
        b"POST /v1/embeddings?api-version=2024-10-21 HTTP/1.1",
        b"POST /models/embed/v1/embeddings HTTP/1.1",
        b"POST //models//embed//v1/embeddings/ HTTP/1.1",
    ],
)
def test_a_path_is_found_however_it_was_joined(send: Send, expected: Any, line: bytes) -> None:
    assert send(request(line)) == [(200, expected)]


@pytest.mark.parametrize(
    "header",
    [
        b"content-type: application/json; charset=utf-8",
        b"content-type: text/plain;charset=UTF-8",
        b"content-type: application/x-www-form-urlencoded",
        b"content-type: ",
        b"accept: text/html, */*;q=0.1",
        b"accept-encoding: br, gzip",
        b"content-encoding: identity",
        b"expect: nothing",
    ],
)
def test_what_a_body_is_called_is_no_matter(send: Send, expected: Any, header: bytes) -> None:
    assert send(request(b"POST /v1/embeddings HTTP/1.1", header)) == [(200, expected)]


@pytest.mark.parametrize(
    "body",
    [codecs.BOM_UTF8 + BODY, b"\r\n\t " + BODY + b"\n\n", BODY[:-1] + b', "extra_body": {"a": 1}}'],
)
def test_json_may_have_a_mark_and_space_around_it(send: Send, expected: Any, body: bytes) -> None:
    assert send(request(body=body)) == [(200, expected)]


def test_a_mark_alone_or_twice_is_no_json(send: Send) -> None:
    for body in (codecs.BOM_UTF8, codecs.BOM_UTF8 * 2 + BODY, BODY.decode().encode("utf-16")):
        ((status, _),) = send(request(body=body))
        assert status == 400


def test_who_waits_to_be_told_to_go_on_is_told(send: Send, expected: Any) -> None:
    head = request(b"POST /v1/embeddings HTTP/1.1", b"expect: 100-continue")
    assert send(head[: -len(BODY)], BODY) == [(100, None), (200, expected)]


def test_a_body_may_come_in_chunks(send: Send, expected: Any) -> None:
    chunks = b"%x;name=value\r\n%b\r\n%x\r\n%b\r\n0\r\ntrailer: a\r\n\r\n" % (
        *(5, BODY[:5]),
        *(len(BODY) - 5, BODY[5:]),
    )
    head = request(b"POST /v1/embeddings HTTP/1.1", b"transfer-encoding: chunked", body=b"")
    assert send(head + chunks) == [(200, expected)]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_an_offer_of_http_2_is_declined_and_the_body_read(
    send: Send, expected: Any, parts: int
) -> None:
    offer = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAEAAEAA")
    line = b"POST /v1/embeddings HTTP/1.1"
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    sent = (
        request(line, *offer, close=False)
        + request(line, b"transfer-encoding: chunked", *offer, body=b"", close=False)
        + chunked
        + request(b"GET /ping HTTP/1.1", *offer, body=b"", close=False)
        + request(b"GET /ping HTTP/1.1", *offer[:1], b"upgrade: websocket", body=b"", close=False)
        + request(line)
    )
    step = -(-len(sent) // parts)
    found = send(*(sent[i : i + step] for i in range(0, len(sent), step)))
    assert [status for status, _ in found] == [200] * 5
    assert [found[i][1] for i in (0, 1, 4)] == [expected] * 3


def test_offers_without_end_end_nothing(send: Send) -> None:
    offer = request(
        b"GET /ping HTTP/1.1", b"connection: upgrade", b"upgrade: h2c", body=b"", close=False
    )
    found = send(offer * 500 + request(b"GET /ping HTTP/1.1", body=b""))
    assert [status for status, _ in found] == [200] * 501


def test_other_methods_are_answered_without_an_origin(everything: Running) -> None:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        for path, allowed in (("/v1/embeddings", "POST, OPTIONS"), ("/v1/models/", "GET, OPTIONS")):
            said = client.options(path)
            assert (said.status_code, said.headers["allow"]) == (204, allowed)
            assert "content-length" not in said.headers  # which goes with no 204
        assert client.head("/v1/models/embed").status_code == 200
        assert client.head("/v1/embeddings").status_code == 405
        assert client.head("/nothing").status_code == 404


def test_a_model_is_described_where_a_client_has_no_v1(everything: Running) -> None:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        assert client.get("/models/embed").json() == client.get("/v1/models/embed").json()
        assert client.get("/models/nobody").status_code == 404
        assert client.get("/models/nobody").json()["error"]["code"] == "model_not_found"


def test_an_empty_name_of_a_model_is_none(everything: Running, expected: Any) -> None:
    body = {"input": "the old bridge", "model": ""}
    said = httpx.post(f"{everything.url}/v1/embeddings", json=body, timeout=TIMEOUT)
    assert said.json() == expected


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl isn't installed")
@pytest.mark.parametrize(
    "options", [[], ["--http1.0"], ["-H", "Expect: 100-continue"], ["--compressed"]]
)
def test_curl_is_answered(everything: Running, expected: Any, options: list[str]) -> None:
    command = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        *options,
        "-d",
        BODY.decode(),
        f"{everything.url}/v1/embeddings",
    ]
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty, expected JSON"),
        (b" \n", "the body is empty, expected JSON"),
        (b'{"input": "a', "the body: input data was truncated"),
        (b"input=a", "the body: JSON is malformed: invalid character (byte 0)"),
        (rb'{"inputs": "a\ud83d"}', "half a surrogate pair"),
        (rb'{"inputs": ["a\ud83d", "and more texts behind it"]}', "half a surrogate pair"),
        (rb'{"inputs": ["\ude00", "and more texts behind it"]}', "half a surrogate pair"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/embeddings", "/embed", "/", "/v2/rerank"])
def test_a_body_that_cannot_be_read_is_told_why(
    everything: Running, path: str, body: bytes, said: str
) -> None:
    written = body if path != "/v1/embeddings" else body.replace(b"inputs", b"input")
    response = httpx.post(everything.url + path, content=written, timeout=TIMEOUT)
    assert response.status_code == 400
    assert said in response.text


def test_a_whole_pair_of_escapes_is_a_character(everything: Running) -> None:
    answers = [
        httpx.post(f"{everything.url}/tokenize", content=body, timeout=TIMEOUT).json()
        for body in (rb'{"inputs": "a\ud83d\ude00"}', '{"inputs": "a😀"}'.encode())
    ]
    assert answers[0] == answers[1]
