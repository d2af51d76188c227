"""Pages of other origins: what their browsers ask before, and may read after."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, running
from tests.timeouts import TIMEOUT

PAGE = "https://page.example"
KEY = {"authorization": "Bearer one"}
# What OpenAI's client for browsers sends.
STAINLESS = "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-retry-count"


@pytest.fixture(scope="module")
def http(tiny_sentence: Path) -> Iterator[httpx.Client]:
    """A client of a server with a key and little room, where one page may ask."""
    hashed = f"sha256:{hashlib.sha256(b'one').hexdigest()}"
    with (
        running(
            {"m": (tiny_sentence, {})},
            api_keys=(hashed,),
            cors_origins=(PAGE,),
            body_limit=5000,
            held_bytes=3000,
        ) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):
        yield client


def preflight(
    http: httpx.Client, asked: str | bytes, path: str = "/v1/embeddings", **more: str
) -> httpx.Response:
    """Ask what a browser asks before a request."""
    headers = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
    }
    return http.options(path, headers={**headers, **more})


def test_what_is_asked_for_is_allowed(http: httpx.Client) -> None:
    said = preflight(http, STAINLESS)
    assert said.status_code == 204
    assert said.headers["access-control-allow-headers"] == STAINLESS.replace(",", ", ")
    assert said.headers["access-control-allow-methods"] == "POST"
    assert said.headers["access-control-allow-origin"] == PAGE
    assert int(said.headers["access-control-max-age"]) > 0
    vary = ", ".join(said.headers.get_list("vary"))
    for name in ("origin", "access-control-request-headers", "access-control-request-method"):
        assert name in vary
    assert preflight(http, "X-Mine, x-mine").headers["access-control-allow-headers"] == "x-mine"


@pytest.mark.parametrize(
    "asked",
    ["a b", "x-fine, é", "x:y", "<script>", ",", "", "x" * 300, "x-many," * 1000 + "x"],
)
def test_what_are_no_names_of_headers_is_not_said_again(http: httpx.Client, asked: str) -> None:
    said = preflight(http, asked.encode())
    allowed = said.headers["access-control-allow-headers"]
    assert "authorization" in allowed
    assert len(allowed) < 200


def test_other_origins_are_told_nothing(http: httpx.Client) -> None:
    for origin in ("https://other.example", "null", f"{PAGE}.evil.example", "http://page.example"):
        said = preflight(http, STAINLESS, origin=origin)
        assert said.status_code == 204
        assert not [name for name in said.headers if name.startswith("access-control-")]
    bare = http.options("/v1/embeddings")
    assert (bare.status_code, bare.headers["allow"]) == (204, "POST, OPTIONS")
    assert not [name for name in bare.headers if name.startswith("access-control-")]


def test_a_page_on_the_internet_may_ask_a_server_in_the_house(http: httpx.Client) -> None:
    said = preflight(http, "x-a", **{"access-control-request-private-network": "true"})
    assert said.headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-private-network" not in preflight(http, "x-a").headers


def test_a_path_that_is_not_there_is_told_by_the_request_itself(http: httpx.Client) -> None:
    said = preflight(http, "x-a", "/nothing")
    assert said.headers["access-control-allow-methods"] == "POST"
    missing = http.post("/nothing", headers={**KEY, "origin": PAGE})
    assert missing.status_code == 404
    assert missing.headers["access-control-allow-origin"] == PAGE


def test_every_refusal_can_be_read_by_the_page(http: httpx.Client) -> None:
    page = {"origin": PAGE}
    for status, headers, body in (
        (200, KEY, b'{"input": "a"}'),
        (400, KEY, b"{"),
        (401, {}, b'{"input": "a"}'),
        (413, KEY, b'"' + b"a" * 9000 + b'"'),
        (415, {**KEY, "content-encoding": "br"}, b"a"),
        (429, KEY, b'{"input": "' + b"a" * 4000 + b'"}'),
    ):
        said = http.post("/v1/embeddings", content=body, headers={**page, **headers})
        assert said.status_code == status
        assert said.headers["access-control-allow-origin"] == PAGE
        shown = said.headers["access-control-expose-headers"].split(", ")
        assert {"*", "retry-after", "x-request-id", "x-compute-tokens"} <= set(shown)


def test_an_asterisk_is_every_origin(tiny_sentence: Path) -> None:
    with (
        running({"m": (tiny_sentence, {})}, cors_origins=("*",)) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):
        for origin in ("https://anybody.example", "null"):
            said = preflight(client, STAINLESS, origin=origin)
            assert said.headers["access-control-allow-origin"] == "*"
            assert "x-stainless-arch" in said.headers["access-control-allow-headers"]
            said = client.post("/v1/embeddings", json={"input": "a"}, headers={"origin": origin})
            assert said.headers["access-control-allow-origin"] == "*"
            assert "origin" not in said.headers.get("vary", "")


def test_without_origins_a_preflight_says_nothing_of_them(everything: Running) -> None:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        said = preflight(client, STAINLESS)
    assert said.status_code == 204
    assert not [name for name in said.headers if name.startswith("access-control-")]
