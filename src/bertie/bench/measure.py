"""The measurement: rounds in which everything takes its turn, so that a busy minute hits all."""

import platform
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import cycle, islice
from pathlib import Path
from random import Random

import numpy as np

from bertie import _core
from bertie.bench.cold_start import measure_memory, time_cold_starts
from bertie.bench.flops import count_flops
from bertie.bench.load_average import load_average
from bertie.bench.report import Bulk, Latency, Machine, Model, Report, Spread
from bertie.bench.texts import Texts, synthetic_texts
from bertie.calls.texts import as_list, check_texts
from bertie.environment.machine import cpu
from bertie.errors import InputError, TruncationWarning
from bertie.loading.load import load
from bertie.tasks.embed import Embedder
from bertie.tasks.model import Model as BertieModel

# Called with what is being done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]

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


def measure(
    source: str | Path = "minilm",
    *,
    precision: str = "auto",
    threads: int | None = None,
    calibration: str | Path | Sequence[str] | None = None,
    texts: Iterable[str] | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Measure a model on this machine: speed, share of the CPU's peak, latency, memory, start.

    Prompts are left out, so that every text is as long as it looks.

    Args:
        source, precision, threads, calibration: as for bertie.load.
        texts: what to embed; None for short and long texts made of the vocabulary's words.
        rounds: how often each bulk figure is measured, with latency's calls in between, and how
            many new processes are started.
        progress: is told how far the work is.
    Raises: InputError: no texts, something among them that is none, or less than one round.
    Raises: whatever bertie.load raises.
    """
    if type(rounds) is not int or rounds < 1:
        raise InputError(f"rounds is {rounds!r}, expected at least 1")
    given = None if texts is None else given_texts(texts)
    load_before = load_average()
    report_progress = progress or (lambda what, done, total: None)
    report_progress("loading", 0, rounds + 2)
    model = load(
        source, task="embed", precision=precision, threads=threads, calibration=calibration
    )
    assert isinstance(model, Embedder)
    info = model.info()
    kinds = synthetic_texts(model.tokenizer, model.max_length) if given is None else (given,)
    bulk = [_bulk(model, kind) for kind in kinds]
    calls = [_calls(model, kinds[0], size) for size in _CALL_SIZES]
    peaks: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        _warm_up(model, bulk, calls)
        for done in range(rounds):
            report_progress("embedding", done, rounds + 2)
            peaks.append(_measure_round(model, info.precision, bulk, calls))
    options = {
        "precision": info.precision,
        "threads": model.encoder.threads,
        "calibration": str(calibration) if isinstance(calibration, Path) else calibration,
    }
    report_progress("starting", rounds, rounds + 2)
    started = time_cold_starts(info.directory, options, rounds)
    report_progress("weighing", rounds + 1, rounds + 2)
    resident = measure_memory(info.directory, options, _shuffled(kinds))
    described_model, machine = describe(model, load_before, peaks)
    return Report(
        model=described_model,
        machine=machine,
        rounds=rounds,
        bulk=tuple(one.report() for one in bulk),
        latency=tuple(one.report() for one in calls),
        memory=resident,
        start=started,
    )


def given_texts(texts: Iterable[str]) -> Texts:
    """Check the caller's texts."""
    if isinstance(texts, str):
        raise InputError("texts is one str, expected an iterable of texts")
    several, _ = as_list(texts, pairs=False)
    check_texts(several, pairs=False)
    if not several:
        raise InputError("there are no texts, expected at least one")
    return Texts("given", tuple(several))


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


def _warm_up(model: Embedder, bulk: Sequence[_Bulk], calls: Sequence[_Calls]) -> None:
    """Run everything once, untimed: memory is planned, caches fill."""
    for one in bulk:
        model.embed(one.kind.texts, prompt="")
    for call in calls:
        model.embed([text for text, _ in islice(call.supply, call.size)], prompt="")


def _measure_round(
    model: Embedder, precision: str, bulk: Sequence[_Bulk], calls: Sequence[_Calls]
) -> float:
    """Measure everything once more. Returns: the multiply peak, in operations a second."""
    peak = _core.multiply_peak(precision, model.encoder.threads)
    for one in bulk:
        begun = time.perf_counter()
        model.embed(one.kind.texts, prompt="")
        seconds = time.perf_counter() - begun
        one.seconds.append(seconds)
        one.shares.append(one.flops / seconds / peak)
    for call in calls:
        _time_calls(model, call)
    return peak


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


def _shuffled(kinds: Sequence[Texts]) -> list[str]:
    """All texts, the lengths mixed, always in the same order."""
    texts = [text for kind in kinds for text in kind.texts]
    Random(0).shuffle(texts)
    return texts


def describe(
    model: BertieModel, load_before: float | None, peaks: Sequence[float] = ()
) -> tuple[Model, Machine]:
    """Describe a model and the machine.

    Args:
        model: loaded.
        load_before: the machine's load before anything was measured.
        peaks: operations a second, one for each round; none where a round doesn't measure it.
    """
    config, info, encoder = model.encoder.config, model.info(), model.encoder
    machine = Machine(
        cpu=cpu().name,
        cores=_core.available_cores(),
        threads=encoder.threads,
        isa=encoder.isa,
        load=load_before,
        peak_gflops=Spread.of([peak / 1e9 for peak in peaks]) if peaks else None,
        bertie=_version(),
        python=platform.python_version(),
    )
    return Model(
        source=info.source,
        precision=info.precision,
        dimensions=info.dimensions,
        parameters=info.parameters,
        layers=config.num_hidden_layers,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        max_length=model.max_length,
    ), machine


def _version() -> str:
    """Bertie's version."""
    try:
        return version("bertie")
    except PackageNotFoundError:
        return "sources, not installed"
