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

from bertie.server.http.errors import KINDS
from bertie.server.http.routes import ROUTES as SERVED
from tests.server.running import Running, running
from tests.timeouts import TIMEOUT

# Every route that takes a body, and the status by which its API says that types are wrong.
BODIED = [route for route in SERVED if route.request_type is not None and route.guard != "admin"]
ROUTES = {
    route.path.replace("{name:path}", "embed").replace("{version}", "1"): KINDS[
        "invalid"
    ].status_in(route.api.name)
    for route in BODIED
}
# One of each API.
APIS = {route.api.name: path for path, route in zip(ROUTES, BODIED, strict=True)}.values()
# A body of each route that takes several inputs, made of them.
INPUTS: dict[str, Any] = {
    "/v1/embeddings": lambda many: {"input": many},
    "/embed": lambda many: {"inputs": many},
    "/embed_all": lambda many: {"inputs": many},
    "/embed_sparse": lambda many: {"inputs": many},
    "/similarity": lambda many: {"inputs": {"source_sentence": "a", "sentences": many[1:]}},
    "/predict": lambda many: {"inputs": [[one] for one in many]},
    "/tokenize": lambda many: {"inputs": many},
    "/decode": lambda many: {"ids": [[5] for _ in many]},
    "/rerank": lambda many: {"query": "a", "texts": many},
    "/v1/rerank": lambda many: {"query": "a", "documents": many},
    "/v2/rerank": lambda many: {"query": "a", "documents": many},
    "/classify": lambda many: {"input": many},
    "/v1/embed": lambda many: {"inputs": many},
    "/v1/embed_tokens": lambda many: {"inputs": many},
    "/v1/embed_sparse": lambda many: {"inputs": many},
    "/v1/embed_multi": lambda many: {"inputs": many},
    "/v1/classify": lambda many: {"inputs": many},
    "/v1/zero_shot": lambda many: {"inputs": many, "labels": ["a"]},
    "/v1/score": lambda many: {"inputs": [["a", one] for one in many]},
    "/v1/rank": lambda many: {"query": "a", "documents": many},
    "/v1/tag": lambda many: {"inputs": many},
    "/v1/answer": lambda many: {"inputs": [["a", one] for one in many]},
    "/v1/fill": lambda many: {"inputs": many},
    "/v1/next_sentence": lambda many: {"inputs": [["a", one] for one in many]},
    "/v1/tokenize": lambda many: {"inputs": many},
    "/": lambda many: {"inputs": many},
    "/models/embed": lambda many: {"inputs": many},
    "/pipeline/feature-extraction": lambda many: {"inputs": many},
    "/pipeline/sentence-similarity": lambda many: {
        "inputs": {"source_sentence": "a", "sentences": many[1:]}
    },
    "/pipeline/text-classification": lambda many: {"inputs": many},
    "/pipeline/zero-shot-classification": lambda many: {
        "inputs": many,
        "parameters": {"candidate_labels": ["a"]},
    },
    "/pipeline/token-classification": lambda many: {"inputs": many},
    "/pipeline/question-answering": lambda many: {
        "inputs": [{"question": "a", "context": one} for one in many]
    },
    "/pipeline/fill-mask": lambda many: {"inputs": many},
    "/v1/models/embed:predict": lambda many: {
        "instances": [{"input_ids": [5], "input_mask": [1], "input_type_ids": [0]} for _ in many]
    },
}


@pytest.fixture(scope="module")
def small(tiny_sentence: Path) -> Iterator[Running]:
    """A server with short timeouts and little room."""
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
    with httpx.Client(timeout=TIMEOUT) as client:
        yield client


def said(up: Running, data: bytes) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    heard = b""
    with (
        socket.create_connection(("127.0.0.1", up.port), TIMEOUT) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(data)
        while part := connection.recv(65536):
            heard += part
    return heard


def status_of(heard: bytes) -> int:
    return int(heard.split(b" ", 2)[1])


@pytest.mark.parametrize("route", APIS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"input": "a", "inputs": "a"}}',
        b'{"input": "\xff\xfe", "inputs": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"other": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"\x00\x01",
        b'{"input": "\\ud800", "inputs": "\\ud800"',
    ],
    ids=["empty", "two", "utf8", "deep", "deep unknown", "binary", "surrogate"],
)
def test_what_is_no_json_is_400(
    http: httpx.Client, everything: Running, route: str, body: bytes
) -> None:
    response = http.post(everything.url + route, content=body)
    assert response.status_code in (400, ROUTES[route])
    assert response.headers["content-type"] == "application/json"
    assert "error" in response.json() or "message" in response.json()


@pytest.mark.parametrize("route", APIS)
@pytest.mark.parametrize("body", [5, [], "a", {"input": 5, "inputs": 5, "query": 5}])
def test_wrong_types_have_each_apis_status(
    http: httpx.Client, everything: Running, route: str, body: Any
) -> None:
    assert http.post(everything.url + route, json=body).status_code == ROUTES[route]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_takes_half_a_body_or_none(
    http: httpx.Client, everything: Running, route: str
) -> None:
    assert http.post(everything.url + route, content=b"{").status_code == 400
    assert http.post(everything.url + route, content=b"null").status_code == ROUTES[route]


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
    assert time.monotonic() - began < TIMEOUT / 2


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


@pytest.mark.parametrize("route", INPUTS)
def test_too_many_inputs_are_refused_in_every_api(
    http: httpx.Client, everything: Running, route: str
) -> None:
    response = http.post(everything.url + route, json=INPUTS[route](["a"] * 10_000))
    assert (response.status_code, "10000" in response.text) == (ROUTES[route], True), response.text


def test_infinitys_words_are_kept_where_its_route_is_anothers(
    http: httpx.Client, everything: Running
) -> None:
    body = {"query": "a", "documents": ["a"] * 10_000}
    response = http.post(f"{everything.url}/rerank", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid"


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/v1/embeddings", {"input": [2**31 - 1]}),
        ("/embeddings", {"input": [[5], [2**31 - 1]]}),
        ("/embed", {"inputs": [2**31 - 1]}),
        ("/embed_all", {"inputs": [[2**31 - 1]]}),
        ("/embed_sparse", {"inputs": [2**31 - 1]}),
        ("/decode", {"ids": [2**31 - 1]}),
        (
            "/v1/models/embed:predict",
            {"instances": [{"input_ids": [2**31], "input_mask": [1], "input_type_ids": [0]}]},
        ),
        (
            "/v1/models/classify:predict",
            {"inputs": {"input_ids": [[-1]], "input_mask": [[1]], "input_type_ids": [[0]]}},
        ),
    ],
)
def test_ids_beyond_the_vocabulary_are_another_tokenizers(
    http: httpx.Client, everything: Running, route: str, body: Any
) -> None:
    response = http.post(everything.url + route, json=body)
    expected = 422 if route in ("/embed", "/embed_all", "/embed_sparse", "/decode") else 400
    assert response.status_code == expected, response.text
    assert "vocabulary" in response.text
    assert "tokenizer" in response.text


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
    before = everything.application.state.metrics.errors["gone"]
    with socket.create_connection(("127.0.0.1", everything.port), TIMEOUT) as connection:
        connection.sendall(head + body)
        wait_for(lambda: everything.service.state().requests > 0)
    wait_for(lambda: everything.service.state().requests == 0)
    wait_for(lambda: everything.application.state.metrics.errors["gone"] == before + 1)


def wait_for(holds: Any) -> None:
    """Wait until something holds."""
    end = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
