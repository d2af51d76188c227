"""OpenTelemetry: a span for each request that asks a model, and one for each part of its work."""

import time
from typing import Any

from bertie.errors import ExtraMissing
from bertie.server.http.finished import Finished, Observer

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

    def finished(request: Finished) -> None:
        """Write down a request that is over: its span ends now, and its parts lie within."""
        if request.task is None:
            return
        ends = time.time_ns()
        begins = ends - _ns(request.seconds)
        span = tracer.start_span(
            f"{request.method} {request.route}",
            context=propagator.extract({"traceparent": request.traceparent}),
            kind=SpanKind.SERVER,
            start_time=begins,
            attributes=_attributes(request),
        )
        if request.fault is not None:
            span.set_status(Status(StatusCode.ERROR, request.fault))
        within = set_span_in_context(span)
        at = begins
        for answered in request.answered:
            for name, seconds in (
                ("tokenize", answered.tokenization_s),
                ("queue", answered.queue_s),
                ("infer", answered.inference_s),
            ):
                part = tracer.start_span(name, context=within, start_time=at)
                at += _ns(seconds)
                part.end(end_time=at)
        span.end(end_time=ends)

    return finished


def _attributes(request: Finished) -> dict[str, Any]:
    """Say what is known of a request, by OpenTelemetry's names where it has some."""
    return {
        "http.request.method": request.method,
        "http.route": request.route,
        "http.response.status_code": request.status,
        "bertie.request_id": request.id,
        "bertie.api": request.api,
        "bertie.model": request.model or "",
        "bertie.inputs": request.inputs,
        "bertie.tokens": sum(sum(one.tokens) for one in request.answered),
    }


def _ns(seconds: float) -> int:
    """Turn seconds into nanoseconds."""
    return round(seconds * 1e9)
