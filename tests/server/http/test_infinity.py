"""Requests as infinity takes them."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.server.running import Running
from tests.timeouts import TIMEOUT


def test_classify_gives_each_inputs_labels(
    everything: Running, local: Callable[[str], Any]
) -> None:
    texts = ["the old bridge", "who reads"]
    body = {"input": texts, "model": "classify"}
    said = httpx.post(f"{everything.url}/classify", json=body, timeout=TIMEOUT).json()
    expected = [
        [{"score": one.score, "label": one.label} for one in labels]
        for labels in local("classify").classify(texts)
    ]
    assert said["data"] == expected
    assert said["object"] == "classify"
    assert said["usage"]["total_tokens"] > 0


def test_nothing_to_classify_is_refused(everything: Running) -> None:
    for body, status in (({"input": []}, 400), ({"input": "a"}, 422)):
        response = httpx.post(f"{everything.url}/classify", json=body, timeout=TIMEOUT)
        assert response.status_code == status
        assert response.json()["error"]["type"] == "invalid_request_error"
