"""Who may ask: keys, admins, other origins' pages, and TLS."""

import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bertie.errors import InputError
from bertie.server.http.keys import Keys
from tests.server.running import Running, running
from tests.timeouts import TIMEOUT


def hashed(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def guarded(tiny_sentence: Path) -> Iterator[httpx.Client]:
    """A client of a server that asks for keys."""
    with (
        running(
            {"m": (tiny_sentence, {})},
            api_keys=(hashed("one"), hashed("two")),
            admin_keys=(hashed("boss"),),
            metrics_open=False,
            cors_origins=("https://page.example",),
        ) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):
        yield client


def test_every_key_opens_and_no_other(guarded: httpx.Client) -> None:
    for headers, status in (
        ({}, 401),
        ({"authorization": "Bearer one"}, 200),
        ({"authorization": "bearer two"}, 200),
        ({"authorization": "Bearer boss"}, 200),
        ({"x-api-key": "one"}, 200),
        ({"api-key": "one"}, 200),
        ({"authorization": "Bearer three"}, 401),
        ({"authorization": f"Bearer {hashed('one')}"}, 401),
        ({"authorization": "Basic one"}, 401),
    ):
        response = guarded.post("/embed", json={"inputs": "a"}, headers=headers)
        assert response.status_code == status, headers
        if status == 401:
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json()["error_type"] == "Validation"


def test_a_small_body_that_is_refused_costs_no_connection(guarded: httpx.Client) -> None:
    response = guarded.post("/embed", content=b"x" * 1000)
    assert response.status_code == 401
    assert "connection" not in response.headers


def test_health_and_metrics_are_open_or_not_by_setting(guarded: httpx.Client) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/ping", "/docs", "/openapi.json"):
        assert guarded.get(path).status_code == 200
    assert guarded.get("/metrics").status_code == 401
    key = {"authorization": "Bearer one"}
    assert guarded.get("/metrics", headers=key).status_code == 200
    assert guarded.get("/v1/models").status_code == 401


def test_admins_alone_change_models(guarded: httpx.Client, tiny_bert: Path) -> None:
    body = {"source": str(tiny_bert), "options": {"threads": 1}}
    user, boss = ({"authorization": f"Bearer {key}"} for key in ("one", "boss"))
    assert guarded.post("/admin/models/other/load", json=body).status_code == 401
    assert guarded.post("/admin/models/other/load", json=body, headers=user).status_code == 401
    made = guarded.post("/admin/models/other/load", json=body, headers=boss)
    assert made.status_code == 200, made.text
    assert made.json()["state"] == "ready"
    said = guarded.post("/models/other/embed", json={"inputs": "a"}, headers=user)
    assert said.status_code == 200
    again = guarded.post("/admin/models/other/reload", headers=boss)
    assert again.json()["id"] == "other"
    gone = guarded.post("/admin/models/other/unload", headers=boss)
    assert gone.json() == {"unloaded": "other"}
    assert guarded.post("/admin/models/other/unload", headers=boss).status_code == 404
    broken = guarded.post("/admin/models/x/load", json={"source": "/nowhere"}, headers=boss)
    assert broken.status_code in (422, 500)
    wrong = {"source": str(tiny_bert), "options": {"colour": "red"}}
    assert guarded.post("/admin/models/x/load", json=wrong, headers=boss).status_code == 422


def test_nobody_is_an_admin_where_no_key_is_set(everything: Running) -> None:
    response = httpx.post(f"{everything.url}/admin/models/embed/unload", timeout=TIMEOUT)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "forbidden"


def test_pages_of_known_origins_may_ask(guarded: httpx.Client) -> None:
    asking = {"origin": "https://page.example", "access-control-request-method": "POST"}
    before = guarded.options("/embed", headers=asking)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == "https://page.example"
    assert "POST" in before.headers["access-control-allow-methods"]
    assert "authorization" in before.headers["access-control-allow-headers"]
    key = {"authorization": "Bearer one", "origin": "https://page.example"}
    said = guarded.post("/embed", json={"inputs": "a"}, headers=key)
    assert said.headers["access-control-allow-origin"] == "https://page.example"
    assert said.headers["vary"] == "origin"
    for origin in ("https://other.example", "null"):
        said = guarded.post("/embed", json={"inputs": "a"}, headers={**key, "origin": origin})
        assert "access-control-allow-origin" not in said.headers


def test_without_origins_there_is_no_word_of_them(everything: Running) -> None:
    response = httpx.get(
        f"{everything.url}/ping", headers={"origin": "https://page.example"}, timeout=TIMEOUT
    )
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("entry", ["secret", "sha256:12", "md5:" + "0" * 64])
def test_a_key_that_is_no_hash_is_refused_without_saying_it(entry: str) -> None:
    with pytest.raises(InputError, match="no hash") as refused:
        Keys([entry], [], [])
    assert entry not in str(refused.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl isn't installed")
    directory = tmp_path_factory.mktemp("tls")
    chain, key = directory / "chain.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return chain, key


def test_tls_answers_those_who_trust_the_certificate(
    tiny_sentence: Path, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    models = {"m": (tiny_sentence, {})}
    with running(models, tls_certificate=chain, tls_key=key) as up:
        trusting = ssl.create_default_context(cafile=str(chain))
        with httpx.Client(base_url=up.url, verify=trusting, timeout=TIMEOUT) as client:
            assert client.post("/embed", json={"inputs": "a"}).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{up.url}/ping", timeout=TIMEOUT)


def test_a_certificate_that_cannot_be_used_is_refused(
    tiny_sentence: Path, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    chain, key = certificate
    models = {"m": (tiny_sentence, {})}
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    for given in ({"tls_certificate": chain}, {"tls_certificate": broken, "tls_key": key}):
        with pytest.raises(InputError), running(models, **given):
            pass
