"""Requests as TensorFlow Serving takes them, for what gobert's exports compute."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.server.running import Running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]


@pytest.fixture(scope="module")
def client(everything: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as made:
        yield made


ROWS = [
    {"input_ids": [3, 23, 57, 4], "input_mask": [1, 1, 1, 1], "input_type_ids": [0, 0, 0, 0]},
    {"input_ids": [3, 70, 4, 0], "input_mask": [1, 1, 1, 0], "input_type_ids": [0, 0, 0, 0]},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


def test_embeddings_are_the_layer_before_the_last_times_the_mask(
    client: httpx.Client, local: Local
) -> None:
    body = {"signature_name": "embedding", "instances": ROWS}
    said = client.post("/v1/models/embed:predict", json=body).json()["predictions"]
    found = np.array(said, np.float32)
    encoder = local("embed").encoder
    for row, states in zip(ROWS, found, strict=True):
        length = sum(row["input_mask"])
        ids = np.array(row["input_ids"][:length], np.int32)
        lengths = np.array([length], np.int32)
        expected = encoder.forward(ids, np.zeros_like(ids), lengths, (-2,))
        assert np.array_equal(states[:length], expected)
        assert not states[length:].any()
    columns = client.post("/v1/models/embed/versions/1:predict", json={"inputs": COLUMNS}).json()
    assert columns == {"outputs": said}


def test_probabilities_are_the_classifiers_in_the_heads_order(
    client: httpx.Client, local: Local
) -> None:
    model = local("classify")
    tokens = model.tokenizer.encode("who reads")
    row = {
        "input_ids": tokens.ids,
        "input_mask": [1] * len(tokens.ids),
        "input_type_ids": tokens.type_ids,
    }
    said = client.post("/v1/models/classify:predict", json={"instances": [row]}).json()
    scores = {one.label: one.score for one in model.classify("who reads")}
    assert said == {"predictions": [[scores[label] for label in model.labels]]}


def test_status_and_metadata_are_those_of_tensorflow_serving(client: httpx.Client) -> None:
    status = client.get("/v1/models/embed").json()
    assert status["model_version_status"] == [
        {
            "version": "1",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
    assert (status["id"], status["object"]) == ("embed", "model")
    described = client.get("/v1/models/embed/metadata").json()
    signature = described["metadata"]["signature_def"]["signature_def"]["embedding"]
    assert set(signature["inputs"]) == {"input_ids", "input_mask", "input_type_ids"}
    assert list(signature["outputs"]) == ["embedding"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/models/nobody:predict", {"instances": ROWS}, 404),
        ("/v1/models/embed/versions/7:predict", {"instances": ROWS}, 404),
        ("/v1/models/tag:predict", {"instances": ROWS}, 400),
        ("/v1/models/embed:predict", {"instances": ROWS, "signature_name": "classifier"}, 400),
        ("/v1/models/embed:predict", {"instances": ROWS, "inputs": COLUMNS}, 400),
        ("/v1/models/embed:predict", {}, 400),
        ("/v1/models/embed:predict", {"instances": []}, 400),
        ("/v1/models/embed:predict", {"instances": [{"input_ids": [3, 4]}]}, 400),
        (
            "/v1/models/embed:predict",
            {"instances": [{**ROWS[0], "input_ids": [3, "a", 5, 4]}]},
            400,
        ),
        ("/v1/models/embed:predict", {"instances": [{**ROWS[0], "input_mask": [1, 1]}]}, 400),
        (
            "/v1/models/embed:predict",
            {"instances": [{**ROWS[0], "input_ids": [3, 9999, 5, 4]}]},
            400,
        ),
        ("/v1/models/embed:predict", {"inputs": {**COLUMNS, "input_mask": [[1]]}}, 400),
    ],
)
def test_errors_are_one_text(client: httpx.Client, path: str, body: Any, status: int) -> None:
    response = client.post(path, json=body)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert isinstance(response.json()["error"], str)
