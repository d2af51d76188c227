"""What is counted of requests and batches, and the two ways to read it."""

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import numpy as np

from bertie.server.http.counting import SECONDS, SIZES, Counts, Spread
from bertie.server.http.faults import KINDS
from bertie.server.http.finished import Finished
from bertie.server.scheduling.events import BatchStarted, Event, WorkerLost

if TYPE_CHECKING:
    from bertie.server.scheduling.service import Service

# Percentiles and rates are of the last so many requests, and of so many seconds.
_KEPT_REQUESTS = 2048
_LATELY_S = 10.0

# Tasks whose requests Text Embeddings Inference counts by themselves.
TEI_TASKS = {"embed": "embed", "sparse": "embed", "classify": "predict", "rank": "predict"}
TIMES = ("duration", "tokenization_duration", "queue_duration", "inference_duration")


class Figures:
    """Counts since the start, and what happened of late.

    Attributes:
        requests: by api, route and status.
        failures: by kind of fault, of requests for models.
        tei: Text Embeddings Inference's counters by their name and one label.
        spreads: its histograms, and ours of requests by api, by their names.
        inputs, tokens, cut_inputs, cut_tokens: read, and left out, by model.
        batches: inputs, tokens, and how full, of each batch.
        lost: workers, by why.
    """

    def __init__(self, service: "Service") -> None:
        """Start at zero, and watch a service."""
        self._service = service
        self._started = time.time()
        self._lately: deque[tuple[float, float]] = deque(maxlen=_KEPT_REQUESTS)
        self.requests = Counts()
        self.failures: Counter[str] = Counter()
        self.tei = {
            name: Counts()
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
        self.spreads = {
            f"te_{what}_{name}": Spread(SECONDS)
            for what in ("request", "embed", "predict")
            for name in TIMES
        }
        for name in ("te_request_input_length", "te_batch_next_size", "te_batch_next_tokens"):
            self.spreads[name] = Spread(SIZES)
        self.seconds: dict[str, Spread] = {}
        self.inputs, self.tokens, self.cut_inputs, self.cut_tokens = (Counts() for _ in range(4))
        self.batches = Counts()
        self.lost = Counts()
        service.observers.append(self.happened)

    def happened(self, event: Event) -> None:
        """Count what the engine tells."""
        if isinstance(event, BatchStarted):
            self.batches.add(event.model, event.method)
            self.spreads["te_batch_next_size"].add(event.inputs)
            self.spreads["te_batch_next_tokens"].add(event.tokens)
        elif isinstance(event, WorkerLost):
            self.lost.add("stalled" if event.stalled else "died")

    def finished(self, request: Finished) -> None:
        """Count a request."""
        self.requests.add(request.api, request.method, request.route, str(request.status))
        if request.api not in self.seconds:
            self.seconds[request.api] = Spread(SECONDS)
        self.seconds[request.api].add(request.seconds)
        if request.task is None:
            return
        self._lately.append((time.monotonic(), request.seconds))
        self._count_as_tei(request)
        if request.fault is not None:
            self.failures[request.fault] += 1
        for answered in request.answered:
            model = request.model or ""
            self.inputs.add(model, by=len(answered.tokens))
            self.tokens.add(model, by=sum(answered.tokens))
            if cut := [tokens for tokens in answered.truncated if tokens]:
                self.cut_inputs.add(model, by=len(cut))
                self.cut_tokens.add(model, by=sum(cut))
            length = self.spreads["te_request_input_length"]
            for tokens in answered.tokens:
                length.add(tokens)

    def _count_as_tei(self, request: Finished) -> None:
        """Count a request under Text Embeddings Inference's names."""
        method = "single" if request.inputs <= 1 else "batch"
        task = TEI_TASKS.get(request.task or "")
        inputs = max(request.inputs, 1)
        self.tei["te_request_count"].add(method)
        if task:
            self.tei[f"te_{task}_count"].add(by=inputs)
        if request.fault is not None:
            kind = KINDS.get(request.fault)
            self.tei["te_request_failure"].add(kind.tei.lower() if kind else request.fault)
            return
        self.tei["te_request_success"].add(method)
        if task:
            self.tei[f"te_{task}_success"].add(by=inputs)
        answered = request.answered
        times = (
            request.seconds,
            sum(one.tokenization_s for one in answered),
            sum(one.queue_s for one in answered),
            sum(one.inference_s for one in answered),
        )
        for what in ("request", task):
            for name, seconds in zip(TIMES, times, strict=True):
                if what:
                    self.spreads[f"te_{what}_{name}"].add(seconds)

    def status(self) -> dict[str, Any]:
        """Give the figures of this moment, as the page shows them."""
        state = self._service.state()
        now = time.monotonic()
        times = [seconds for at, seconds in self._lately if now - at <= _LATELY_S]
        window = min(_LATELY_S, max(time.time() - self._started, 0.001))
        if len(times) == _KEPT_REQUESTS:
            window = max(now - self._lately[0][0], 0.001)
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
            "errors": dict(self.failures),
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

    def exposition(self) -> bytes:
        """Write all counts as Prometheus reads them."""
        from bertie.server.http.exposition import exposed

        return exposed(self, self._service)
