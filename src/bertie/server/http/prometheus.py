"""The metrics in Prometheus' text format: every count under its name."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bertie.server.http.metric_types import Counter, Histogram
from bertie.server.http.metrics import Metrics

if TYPE_CHECKING:
    from bertie.server.scheduling.service import Service

# What Text Embeddings Inference's counters are told apart by.
_TEI_LABELS = {
    "te_request_count": ("method",),
    "te_request_success": ("method",),
    "te_request_failure": ("err",),
}


def exposition(metrics: Metrics, service: "Service") -> bytes:
    """Write all counts, and what the process takes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(metrics, service))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collector(Collector):
    """Hands metrics to Prometheus' client library under the names that dashboards use."""

    def __init__(self, metrics: Metrics, service: "Service") -> None:
        self._metrics = metrics
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        yield from self._of_requests()
        yield from self._of_scheduling()
        yield from self._as_tei()

    def _of_requests(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield _counter(
            "bertie_requests",
            "Requests, by what was spoken and how they ended.",
            ("api", "method", "route", "status"),
            metrics.requests,
        )
        yield _histogram(
            "bertie_request_seconds",
            "Seconds from a request's head to its answer.",
            ("api",),
            (((api,), histogram) for api, histogram in metrics.request_seconds.items()),
        )
        for name, says, counter in (
            ("bertie_inputs", "Inputs that were answered.", metrics.inputs),
            ("bertie_tokens", "Tokens that were read.", metrics.tokens),
            ("bertie_truncated_inputs", "Inputs that lost tokens.", metrics.truncated_inputs),
            ("bertie_truncated_tokens", "Tokens that were left out.", metrics.truncated_tokens),
        ):
            yield _counter(name, says, ("model",), counter)

    def _of_scheduling(self) -> Iterator[Metric]:
        metrics, state = self._metrics, self._service.state()
        yield _counter(
            "bertie_batches", "Batches that went to a worker.", ("model", "call"), metrics.batches
        )
        yield _counter(
            "bertie_workers_lost", "Workers replaced, by why.", ("why",), metrics.workers_lost
        )
        for name, says, value in (
            ("bertie_requests_in_flight", "Requests admitted.", state.requests),
            ("bertie_queue_inputs", "Inputs that wait.", state.waiting_inputs),
            ("bertie_queue_tokens", "Tokens that wait.", state.waiting_tokens),
            ("bertie_tokens_per_second", "Tokens computed of late.", state.tokens_per_second),
            ("bertie_batch_fill", "The last batch's part of its budget.", state.batch_fill),
            ("bertie_cache_bytes", "What remembered answers take.", state.cache_bytes),
        ):
            yield GaugeMetricFamily(name, says, value=float(value))
        for name, says, value in (
            ("bertie_cache_hits", "Answers that were remembered.", state.cache_hits),
            ("bertie_cache_misses", "Answers that were not.", state.cache_misses),
            ("bertie_refused", "Requests that there was no room for.", state.refused),
        ):
            yield CounterMetricFamily(name, says, value=float(value))

    def _as_tei(self) -> Iterator[Metric]:
        for name, counter in self._metrics.tei_counters.items():
            labels = _TEI_LABELS.get(name, ())
            # The client library would add _total to what it knows to be a counter.
            metric = Metric(name, "As in Text Embeddings Inference.", "unknown")
            for values, count in (counter.values or ({} if labels else {(): 0})).items():
                metric.add_sample(name, dict(zip(labels, values, strict=True)), count)
            yield metric
        for name, histogram in self._metrics.tei_histograms.items():
            yield _histogram(name, "As in Text Embeddings Inference.", (), [((), histogram)])
        waiting = float(self._service.state().waiting_inputs)
        yield GaugeMetricFamily("te_queue_size", "As in Text Embeddings Inference.", value=waiting)


def _counter(name: str, says: str, labels: tuple[str, ...], counter: Counter) -> Metric:
    """Make one of the client library's counters."""
    family = CounterMetricFamily(name, says, labels=labels)
    for values, count in counter.values.items():
        family.add_metric(values, count)
    return family


def _histogram(
    name: str,
    says: str,
    labels: tuple[str, ...],
    histograms: Iterable[tuple[tuple[str, ...], Histogram]],
) -> Metric:
    """Make one of the client library's histograms."""
    family = HistogramMetricFamily(name, says, labels=labels)
    for values, histogram in histograms:
        family.add_metric(values, histogram.buckets(), histogram.total)
    return family
