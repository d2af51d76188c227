"""A request is a span in its caller's trace, with its parts under it."""

import pytest

from bertie.server.http.access_record import AccessRecord
from bertie.server.http.traces import tracing
from bertie.server.scheduling.inference import InferenceResponse

export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def record(**changes: object) -> AccessRecord:
    response = InferenceResponse((1.0,), (5,), (0,), 4, 0.001, 0.002, 0.003, "f")
    fields = {
        "id": "r1",
        "api": "tei",
        "method": "POST",
        "route": "/embed",
        "status": 200,
        "error": None,
        "seconds": 0.01,
        "task": "embed",
        "model": "m",
        "inputs": 1,
        "responses": (response,),
        "received": 1,
        "sent": 1,
        "traceparent": f"00-{TRACE}-{PARENT}-01",
    }
    return AccessRecord(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_request_joins_its_callers_trace_and_has_its_parts() -> None:
    kept = memory.InMemorySpanExporter()
    tracing(export.SimpleSpanProcessor(kept))(record())
    *parts, whole = kept.get_finished_spans()
    assert [part.name for part in parts] == ["tokenize", "queue", "infer"]
    assert format(whole.context.trace_id, "032x") == TRACE
    assert format(whole.parent.span_id, "016x") == PARENT
    assert whole.attributes["bertie.tokens"] == 5
    assert whole.end_time - whole.start_time == pytest.approx(10_000_000)
    for part in parts:
        assert part.parent.span_id == whole.context.span_id
        assert whole.start_time <= part.start_time <= part.end_time <= whole.end_time


def test_a_failed_request_is_an_error_and_one_for_no_model_is_none() -> None:
    kept = memory.InMemorySpanExporter()
    observe = tracing(export.SimpleSpanProcessor(kept))
    observe(record(error="late", status=504, responses=(), traceparent=""))
    observe(record(task=None))
    (whole,) = kept.get_finished_spans()
    assert whole.status.description == "late"
    assert not whole.status.is_ok
    assert whole.parent is None
