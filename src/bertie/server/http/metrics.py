"""What is counted of requests and batches; prometheus.py writes it as Prometheus reads it."""

import collections
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bertie.server.http.access_record import AccessRecord
from bertie.server.http.errors import KINDS
from bertie.server.http.metric_types import SECONDS, SIZES, Counter, Histogram
from bertie.server.scheduling.events import BatchStarted, Event, WorkerLost

if TYPE_CHECKING:
    from bertie.server.scheduling.service import Service

# Percentiles and rates are of the last so many requests, and of so many seconds.
_KEPT_REQUESTS = 2048
_WINDOW_S = 10.0

# Tasks whose requests Text Embeddings Inference counts by themselves.
_TEI_TASKS = {"embed": "embed", "sparse": "embed", "classify": "predict", "rank": "predict"}
_TEI_TIMES = ("duration", "tokenization_duration", "queue_duration", "inference_duration")


class Metrics:
    """Counts since the start, and what happened of late.

    Attributes:
        requests: by api, route and status.
        request_seconds: by api.
        errors: by their kind, of requests for models.
        tei_counters: Text Embeddings Inference's by their name and one label.
        tei_histograms: Text Embeddings Inference's by their name.
        inputs, tokens, truncated_inputs, truncated_tokens: read, and left out, by model.
        batches: by model and method.
        workers_lost: by why.
    """

    def __init__(self, service: "Service") -> None:
        """Start at zero, and watch a service."""
        self._service = service
        self._started = time.time()
        self._latest: collections.deque[tuple[float, float]] = collections.deque(
            maxlen=_KEPT_REQUESTS
        )
        self.requests = Counter()
        self.request_seconds: dict[str, Histogram] = {}
        self.errors: collections.Counter[str] = collections.Counter()
        self.tei_counters = {
            name: Counter()
            for name in (
                "te_request_count",
                "te_request_success",
                "te_request_failure",
                "te_embed_count",
                "te_embed_success",
                "te_predict_count",
                "te_predict_success",
            )
        }
        self.tei_histograms = {
            f"te_{what}_{name}": Histogram(SECONDS)
            for what in ("request", "embed", "predict")
            for name in _TEI_TIMES
        }
        for name in ("te_request_input_length", "te_batch_next_size", "te_batch_next_tokens"):
            self.tei_histograms[name] = Histogram(SIZES)
        self.inputs, self.tokens = Counter(), Counter()
        self.truncated_inputs, self.truncated_tokens = Counter(), Counter()
        self.batches = Counter()
        self.workers_lost = Counter()
        service.observers.append(self.observe_event)

    def observe_event(self, event: Event) -> None:
        """Count what the service tells."""
        if isinstance(event, BatchStarted):
            self.batches.increase(event.model, event.method)
            self.tei_histograms["te_batch_next_size"].observe(event.inputs)
            self.tei_histograms["te_batch_next_tokens"].observe(event.tokens)
        elif isinstance(event, WorkerLost):
            self.workers_lost.increase("stalled" if event.stalled else "died")

    def observe_request(self, record: AccessRecord) -> None:
        """Count a request."""
        self.requests.increase(record.api, record.method, record.route, str(record.status))
        if record.api not in self.request_seconds:
            self.request_seconds[record.api] = Histogram(SECONDS)
        self.request_seconds[record.api].observe(record.seconds)
        if record.task is None:
            return
        self._latest.append((time.monotonic(), record.seconds))
        self._count_as_tei(record)
        if record.error is not None:
            self.errors[record.error] += 1
        for response in record.responses:
            model = record.model or ""
            self.inputs.increase(model, by=len(response.tokens))
            self.tokens.increase(model, by=sum(response.tokens))
            if cut := [tokens for tokens in response.truncated if tokens]:
                self.truncated_inputs.increase(model, by=len(cut))
                self.truncated_tokens.increase(model, by=sum(cut))
            for tokens in response.tokens:
                self.tei_histograms["te_request_input_length"].observe(tokens)

    def _count_as_tei(self, record: AccessRecord) -> None:
        """Count a request under Text Embeddings Inference's names."""
        size = "single" if record.inputs <= 1 else "batch"
        task = _TEI_TASKS.get(record.task or "")
        inputs = max(record.inputs, 1)
        self.tei_counters["te_request_count"].increase(size)
        if task:
            self.tei_counters[f"te_{task}_count"].increase(by=inputs)
        if record.error is not None:
            kind = KINDS.get(record.error)
            error = kind.tei.lower() if kind else record.error
            self.tei_counters["te_request_failure"].increase(error)
            return
        self.tei_counters["te_request_success"].increase(size)
        if task:
            self.tei_counters[f"te_{task}_success"].increase(by=inputs)
        responses = record.responses
        times = (
            record.seconds,
            sum(one.tokenization_s for one in responses),
            sum(one.queue_s for one in responses),
            sum(one.inference_s for one in responses),
        )
        for what in ("request", task):
            for name, seconds in zip(_TEI_TIMES, times, strict=True):
                if what:
                    self.tei_histograms[f"te_{what}_{name}"].observe(seconds)

    def status(self) -> dict[str, Any]:
        """Give the state of this moment, as the page shows it."""
        state = self._service.state()
        now = time.monotonic()
        times = [seconds for at, seconds in self._latest if now - at <= _WINDOW_S]
        window = min(_WINDOW_S, max(time.time() - self._started, 0.001))
        if len(times) == _KEPT_REQUESTS:
            window = max(now - self._latest[0][0], 0.001)
        p50, p95, p99 = np.percentile(times, (50, 95, 99)).tolist() if times else (None,) * 3
        return {
            "models": [
                {"name": entry.name, "task": entry.task, "state": entry.state}
                for entry in self._service.models()
            ],
            "in_flight": state.requests,
            "queue": {"inputs": state.waiting_inputs, "tokens": state.waiting_tokens},
            "running": {"inputs": state.running_inputs, "tokens": state.running_tokens},
            "tokens_per_s": state.tokens_per_second,
            "requests_per_s": len(times) / window,
            "latency_ms": {
                name: None if seconds is None else seconds * 1000
                for name, seconds in (("p50", p50), ("p95", p95), ("p99", p99))
            },
            "batch_fill": state.batch_fill,
            "batch": {"inputs": state.batch_inputs, "tokens": state.batch_tokens},
            "cache": {
                "bytes": state.cache_bytes,
                "answers": state.cache_answers,
                "hits": state.cache_hits,
                "misses": state.cache_misses,
            },
            "refused": state.refused,
            "errors": dict(self.errors),
            "stopping": state.stopping,
            "workers": [
                {
                    "number": worker.number,
                    "pid": worker.pid,
                    "alive": worker.pid is not None,
                    "restarts": worker.restarts,
                    "inputs": worker.inputs,
                    "tokens": worker.tokens,
                    "models": list(worker.models),
                }
                for worker in state.workers
            ],
        }
