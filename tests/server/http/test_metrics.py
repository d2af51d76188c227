"""What is counted can be read by Prometheus, under the names that dashboards use."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bertie.server.http import log
from bertie.server.http.access_record import AccessRecord
from bertie.server.http.metric_types import Histogram
from tests.server.running import running
from tests.timeouts import TIMEOUT


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read an exposition as Prometheus does."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_under_our_names_and_teis(tiny_sentence: Path) -> None:
    with (
        running({"m": (tiny_sentence, {})}) as up,
        httpx.Client(base_url=up.url, timeout=TIMEOUT) as client,
    ):
        client.post("/embed", json={"inputs": ["old bridge", "old " * 300]})
        client.post("/embed", json={"inputs": "a"})
        client.post("/embed", json={"inputs": 5})
        client.get("/nothing")
        response = client.get("/metrics")
        status = client.get("/v1/status").json()
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(response.text)
    assert found["te_request_count", (("method", "batch"),)] == 1
    assert found["te_request_count", (("method", "single"),)] == 2
    assert found["te_request_success", (("method", "single"),)] == 1
    assert found["te_request_failure", (("err", "validation"),)] == 1
    assert found["te_embed_success", ()] == 3
    for what in ("request", "embed"):
        for part in ("duration", "tokenization_duration", "queue_duration", "inference_duration"):
            assert found[f"te_{what}_{part}_count", ()] == 2
    assert found["te_request_input_length_count", ()] == 3
    assert found["te_batch_next_size_count", ()] >= 2
    assert found["te_batch_next_tokens_sum", ()] > 0
    assert found["te_queue_size", ()] == 0
    labels = {"api": "tei", "method": "POST", "route": "/embed", "status": "200"}
    assert found["bertie_requests_total", tuple(sorted(labels.items()))] == 2
    assert found["bertie_truncated_inputs_total", (("model", "m"),)] == 1
    assert found["bertie_truncated_tokens_total", (("model", "m"),)] > 200
    assert found["process_resident_memory_bytes", ()] > 0
    assert status["models"] == [{"name": "m", "task": "embed", "state": "ready"}]
    assert status["errors"] == {"invalid": 1}
    assert status["latency_ms"]["p50"] > 0
    assert status["requests_per_s"] > 0
    assert status["workers"][0]["alive"]


def test_a_histogram_counts_each_value_once() -> None:
    histogram = Histogram((1.0, 2.0, 4.0))
    for value in (0.5, 1.0, 3.0, 9.0):
        histogram.observe(value)
    assert histogram.buckets() == [("1", 2), ("2", 2), ("4", 3), ("+Inf", 4)]
    assert histogram.total == 13.5


@pytest.fixture
def record() -> AccessRecord:
    return AccessRecord(
        id="r1",
        api="tei",
        method="POST",
        route="/embed",
        status=200,
        error=None,
        seconds=0.5,
        task="embed",
        model="m",
        inputs=2,
        responses=(),
        received=10,
        sent=20,
        traceparent="",
    )


@pytest.mark.parametrize("format", ["json", "text", "none"])
def test_a_request_is_a_line_in_the_log(
    format: str, record: AccessRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    log.set_up(format)
    log.log_request(record)
    line = capsys.readouterr().err
    if format == "json":
        entry = json.loads(line)
        assert (entry["request"], entry["route"], entry["ms"]) == ("r1", "/embed", 500)
        assert entry["level"] == "info"
    elif format == "text":
        assert "request=r1" in line
    else:
        assert line == ""


def test_a_traceback_has_no_texts(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("json")
    private = "a text of somebody's"
    try:
        raise RuntimeError(f"can't read {private!r}")
    except RuntimeError:
        log.LOGGER.exception("request r1 failed")
    line = capsys.readouterr().err
    entry: dict[str, Any] = json.loads(line)
    assert "RuntimeError" in entry["traceback"]
    assert "test_metrics.py" in entry["traceback"]
    assert "somebody" not in line


@pytest.fixture(autouse=True)
def quiet() -> Any:
    yield
    log.set_up("none")
    logging.getLogger("bertie.server").handlers = []
