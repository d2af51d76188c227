"""OpenTelemetry: a span for each request that asks a model, and one for each part of its work."""

import time
from typing import Any

from bertie.errors import ExtraMissing
from bertie.server.http.access_record import AccessRecord, Observer

_SERVICE = "bertie"


def observer(url: str) -> Observer:
    """Make what sends a span for each request.

    Args:
        url: an OTLP collector's, over HTTP, such as http://127.0.0.1:4318/v1/traces.
    Raises: ExtraMissing: OpenTelemetry isn't installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ExtraMissing("traces need OpenTelemetry: pip install 'bertie[traces]'") from error
    return tracing(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))


def tracing(processor: Any) -> Observer:
    """Make what hands a span for each request to a processor of OpenTelemetry's."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    provider = TracerProvider(resource=Resource.create({"service.name": _SERVICE}))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer(_SERVICE)
    propagator = TraceContextTextMapPropagator()

    def observe(record: AccessRecord) -> None:
        """Write down a request that is over: its span ends now, and its parts lie within."""
        if record.task is None:
            return
        ends = time.time_ns()
        begins = ends - _ns(record.seconds)
        span = tracer.start_span(
            f"{record.method} {record.route}",
            context=propagator.extract({"traceparent": record.traceparent}),
            kind=SpanKind.SERVER,
            start_time=begins,
            attributes=_attributes(record),
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, record.error))
        within = set_span_in_context(span)
        at = begins
        for response in record.responses:
            for name, seconds in (
                ("tokenize", response.tokenization_s),
                ("queue", response.queue_s),
                ("infer", response.inference_s),
            ):
                part = tracer.start_span(name, context=within, start_time=at)
                at += _ns(seconds)
                part.end(end_time=at)
        span.end(end_time=ends)

    return observe


def _attributes(record: AccessRecord) -> dict[str, Any]:
    """Say what is known of a request, by OpenTelemetry's names where it has some."""
    return {
        "http.request.method": record.method,
        "http.route": record.route,
        "http.response.status_code": record.status,
        "bertie.request_id": record.id,
        "bertie.api": record.api,
        "bertie.model": record.model or "",
        "bertie.inputs": record.inputs,
        "bertie.tokens": sum(sum(one.tokens) for one in record.responses),
    }


def _ns(seconds: float) -> int:
    """Turn seconds into nanoseconds."""
    return round(seconds * 1e9)
