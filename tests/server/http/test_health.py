"""Liveness says that the process lives, readiness that every model answers."""

from pathlib import Path

import httpx

from tests.server.running import Running, running
from tests.timeouts import TIMEOUT


def test_a_server_whose_models_answer_is_ready(everything: Running) -> None:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        for path in ("/health", "/health/ready", "/health/live", "/ping"):
            assert client.get(path).json() == {"status": "ok"}


def test_a_server_that_is_stopping_lives_but_is_not_ready(tiny_sentence: Path) -> None:
    with (
        running({"m": (tiny_sentence, {})}) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):
        assert client.get("/health/ready").status_code == 200
        up.on_loop(up.service.stop(1))
        said = client.get("/health/ready")
        assert said.status_code == 503
        assert said.json()["status"] != "ok"
        assert client.get("/health/live").status_code == 200
