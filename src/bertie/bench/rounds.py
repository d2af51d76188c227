"""Rounds in which a model's bulk texts and calls take their turns."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from bertie import _core
from bertie.bench.flops import count_flops
from bertie.bench.report import Bulk, Latency, Spread
from bertie.bench.texts import Texts
from bertie.tasks.embed import Embedder

_CALL_SIZES = (1, 8, 32)  # texts in a call whose latency is measured
_CALL_SECONDS = 0.4  # of calls of one size in a round,
_FEWEST_CALLS, _MOST_CALLS = 3, 400  # and these bounds


@dataclass
class _Bulk:
    """Texts whose bulk speed is measured, and what was found in each round so far."""

    kind: Texts
    tokens: int
    longest: int
    truncated: int
    flops: int
    seconds: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def report(self) -> Bulk:
        """Summarize the rounds."""

        def rate(amount: float) -> Spread:
            return Spread.of([amount / seconds for seconds in self.seconds])

        return Bulk(
            name=self.kind.name,
            texts=len(self.kind.texts),
            tokens=self.tokens,
            longest=self.longest,
            truncated=self.truncated,
            tokens_per_second=rate(self.tokens),
            texts_per_second=rate(len(self.kind.texts)),
            gflops=rate(self.flops / 1e9),
            peak_share=Spread.of(self.shares),
        )


@dataclass
class _Calls:
    """Calls of one size, and the seconds and tokens of each so far."""

    size: int
    supply: Iterator[tuple[str, int]]
    seconds: list[float] = field(default_factory=list)
    tokens: int = 0

    def report(self) -> Latency:
        """Find the percentiles."""
        p50, p95, p99 = (float(p) for p in 1e3 * np.percentile(self.seconds, (50, 95, 99)))
        return Latency(self.size, self.tokens / len(self.seconds), len(self.seconds), p50, p95, p99)


class Rounds:
    """One model's rounds. Callers silence TruncationWarning.

    Attributes:
        model: its prompts are left out, so that every text is as long as it looks.
        bulk: its texts, all in one call each.
        calls: its calls, by their sizes.
        peaks: operations a second that its threads multiply on registers alone, by round.
    """

    def __init__(self, model: Embedder, kinds: Sequence[Texts]) -> None:
        """Run everything once, untimed: memory is planned, caches fill.

        Args:
            kinds: the bulk texts; calls are of the first.
        """
        self.model = model
        self.bulk = [_bulk(model, kind) for kind in kinds]
        self.calls = [_calls(model, kinds[0], size) for size in _CALL_SIZES]
        self.peaks: list[float] = []
        for one in self.bulk:
            model.embed(one.kind.texts, prompt="")
        for call in self.calls:
            model.embed([text for text, _ in islice(call.supply, call.size)], prompt="")

    def measure(self) -> None:
        """Measure everything once more."""
        model = self.model
        peak = _core.multiply_peak(model.encoder.precision, model.encoder.threads)
        self.peaks.append(peak)
        for one in self.bulk:
            begun = time.perf_counter()
            model.embed(one.kind.texts, prompt="")
            seconds = time.perf_counter() - begun
            one.seconds.append(seconds)
            one.shares.append(one.flops / seconds / peak)
        for call in self.calls:
            _time_calls(model, call)


def _bulk(model: Embedder, kind: Texts) -> _Bulk:
    """Count what embedding some texts takes."""
    packed = model.tokenizer.encode_batch(kind.texts, max_length=model.max_length)
    return _Bulk(
        kind,
        tokens=int(packed.lengths.sum()),
        longest=int(packed.lengths.max()),
        truncated=int(np.count_nonzero(packed.truncated)),
        flops=count_flops(model.encoder.config, packed.lengths),
    )


def _calls(model: Embedder, kind: Texts, size: int) -> _Calls:
    """Supply texts and their tokens without end; no two calls in a row have the same."""
    lengths = model.tokenizer.encode_batch(kind.texts, max_length=model.max_length).lengths
    return _Calls(size, cycle(zip(kind.texts, lengths.tolist(), strict=True)))


def _time_calls(model: Embedder, call: _Calls) -> None:
    """Time a round's calls of one size."""
    end = time.perf_counter() + _CALL_SECONDS
    for done in range(_MOST_CALLS):
        begun = time.perf_counter()
        if done >= _FEWEST_CALLS and begun > end:
            break
        drawn = list(islice(call.supply, call.size))
        texts = [text for text, _ in drawn]
        begun = time.perf_counter()
        model.embed(texts[0] if call.size == 1 else texts, prompt="")
        call.seconds.append(time.perf_counter() - begun)
        call.tokens += sum(tokens for _, tokens in drawn)
