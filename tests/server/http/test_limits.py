"""What is broken, too large, too slow or hostile gets its status, under limits, in every API."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.running import PATIENCE, Running, running

# A route of each API, and the status by which it says that a body's types are wrong.
ROUTES = {
    "/v1/embeddings": 400,
    "/embed": 422,
    "/v1/rerank": 400,
    "/classify": 422,
    "/v1/models/m:predict": 400,
    "/v1/tag": 422,
}


@pytest.fixture(scope="module")
def small(tiny_sentence: Path) -> Iterator[Running]:
    """A server with little patience and room."""
    with running(
        {"m": (tiny_sentence, {})},
        header_timeout_s=0.5,
        body_timeout_s=0.5,
        body_limit=60_000,
        payload_limit=60_000,
    ) as up:
        yield up


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE) as client:
        yield client


def said(up: Running, data: bytes) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    heard = b""
    with (
        socket.create_connection(("127.0.0.1", up.port), PATIENCE) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(data)
        while part := connection.recv(65536):
            heard += part
    return heard


def status_of(heard: bytes) -> int:
    return int(heard.split(b" ", 2)[1])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"input": "a", "inputs": "a"}}',
        b'{"input": "\xff\xfe", "inputs": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"other": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"\x00\x01",
        b'{"input": "\\ud800", "inputs": "\\ud800"',
    ],
    ids=["empty", "cut", "two", "utf8", "deep", "deep unknown", "binary", "surrogate"],
)
def test_what_is_no_json_is_400(
    http: httpx.Client, everything: Running, route: str, body: bytes
) -> None:
    response = http.post(everything.url + route, content=body)
    assert response.status_code in (400, ROUTES[route])
    assert response.headers["content-type"] == "application/json"
    assert "error" in response.json() or "message" in response.json()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", [None, 5, [], "a", {"input": 5, "inputs": 5, "query": 5}])
def test_wrong_types_have_each_apis_status(
    http: httpx.Client, everything: Running, route: str, body: Any
) -> None:
    response = http.post(everything.url + route, json=body)
    if body is None:  # httpx sends no body then
        response = http.post(everything.url + route, content=b"null")
    assert response.status_code == ROUTES[route]


def test_a_lone_surrogate_is_refused_not_computed(http: httpx.Client, everything: Running) -> None:
    body = b'{"inputs": "\\ud800"}'
    response = http.post(f"{everything.url}/embed", content=body)
    assert response.status_code in (400, 422)


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_beyond_the_limit_is_413_before_it_is_sent(small: Running, route: str) -> None:
    head = f"POST {route} HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000000\r\n\r\n".encode()
    began = time.monotonic()
    heard = said(small, head)
    assert status_of(heard) == 413
    assert b"connection: close" in heard
    assert time.monotonic() - began < PATIENCE / 2


def test_a_body_of_unknown_length_is_read_to_the_limit_only(small: Running) -> None:
    head = b"POST /embed HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    assert status_of(said(small, head + chunk * 8)) == 413


def test_a_slow_head_and_a_slow_body_are_408(small: Running) -> None:
    assert status_of(said(small, b"POST /embed HTTP/1.1\r\nhost: a\r\nx-slow: ")) == 408
    head = b"POST /embed HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n"
    heard = said(small, head + b'{"inp')
    assert status_of(heard) == 408
    assert json.loads(heard.split(b"\r\n\r\n")[1])["error_type"] == "Validation"
    assert status_of(said(small, b"")) == 408


def test_a_head_without_end_is_refused(small: Running) -> None:
    endless = b"GET / HTTP/1.1\r\nx-long: " + b"a" * 1_000_000
    heard = said(small, endless)
    assert heard == b"" or status_of(heard) in (400, 408)


@pytest.mark.parametrize(
    "headers",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: +5\r\n",
        b"content-length: -1\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"content-length : 5\r\n",
    ],
)
def test_shapes_of_request_smuggling_are_400(small: Running, headers: bytes) -> None:
    request = b"POST /embed HTTP/1.1\r\nhost: a\r\n" + headers + b"\r\n0\r\n\r\nGET /ping HTTP/1.1"
    heard = said(small, request + b"\r\nhost: a\r\n\r\n")
    assert status_of(heard) in (400, 408)
    assert b"ok" not in heard


def test_compressed_bodies_are_refused(http: httpx.Client, everything: Running) -> None:
    headers = {"content-encoding": "gzip"}
    response = http.post(f"{everything.url}/embed", content=b"x", headers=headers)
    assert response.status_code == 415


def test_bodies_of_all_requests_together_have_a_limit(
    http: httpx.Client, tiny_sentence: Path
) -> None:
    with running({"m": (tiny_sentence, {})}, held_bytes=1000) as up:
        refused = http.post(f"{up.url}/embed", json={"inputs": "a" * 2000})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error_type"] == "Overloaded"
        for _ in range(50):  # what was held is given back each time
            assert http.post(f"{up.url}/embed", json={"inputs": "a" * 90}).status_code == 200


def test_too_many_inputs_are_refused_in_every_api(http: httpx.Client, everything: Running) -> None:
    many = ["a"] * 10_000
    for route, body, status in (
        ("/v1/embeddings", {"input": many}, 400),
        ("/embed", {"inputs": many}, 422),
        ("/v1/rerank", {"query": "a", "documents": many}, 400),
        ("/classify", {"input": many}, 422),
        ("/v1/tag", {"inputs": many}, 422),
        ("/v1/models/embed:predict", {"instances": [{}] * 10_000}, 400),
    ):
        response = http.post(everything.url + route, json=body)
        assert response.status_code == status, route
        assert "10000" in response.text or route.endswith(":predict")


def test_what_headers_ask_for_is_checked(http: httpx.Client, everything: Running) -> None:
    for headers in (
        {"x-priority": "high"},
        {"x-priority": "1000"},
        {"x-timeout-ms": "0"},
        {"x-timeout-ms": "1e3"},
    ):
        response = http.post(f"{everything.url}/embed", json={"inputs": "a"}, headers=headers)
        assert response.status_code == 400
    fine = {"x-priority": "-5", "x-timeout-ms": "60000", "x-request-id": "mine-1"}
    response = http.post(f"{everything.url}/embed", json={"inputs": "a"}, headers=fine)
    assert response.status_code == 200
    assert response.headers["x-request-id"] == "mine-1"


def test_time_that_is_over_is_504(http: httpx.Client, everything: Running) -> None:
    response = http.post(
        f"{everything.url}/v1/tag",
        json={"inputs": ["old bridge " * 2000] * 200},
        headers={"x-timeout-ms": "1"},
    )
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "late"


def test_paths_and_methods_that_there_are_not(http: httpx.Client, everything: Running) -> None:
    missing = http.get(f"{everything.url}/nothing")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "no_route"
    wrong = http.put(f"{everything.url}/embed")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST"
    head = http.head(f"{everything.url}/v1/models")
    assert head.status_code == 200
    assert head.content == b""


def test_a_caller_that_leaves_costs_nothing_further(everything: Running) -> None:
    body = json.dumps({"inputs": ["old bridge " * 3000] * 300}).encode()
    head = f"POST /v1/tag HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    before = everything.application.figures.failures["gone"]
    with socket.create_connection(("127.0.0.1", everything.port), PATIENCE) as connection:
        connection.sendall(head + body)
        wait_for(lambda: everything.service.state().requests > 0)
    wait_for(lambda: everything.service.state().requests == 0)
    wait_for(lambda: everything.application.figures.failures["gone"] == before + 1)


def wait_for(holds: Any) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
