"""The measurement: rounds in which everything takes its turn, so that a busy minute hits all."""

import platform
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random

from bertie import _core
from bertie.bench.cold_start import measure_memory, time_cold_starts
from bertie.bench.load_average import load_average
from bertie.bench.report import Machine, Model, Report, Spread
from bertie.bench.rounds import Rounds
from bertie.bench.texts import Texts, synthetic_texts
from bertie.calls.texts import as_list, check_texts
from bertie.environment.machine import cpu
from bertie.errors import InputError, TruncationWarning
from bertie.loading.load import load
from bertie.tasks.embed import Embedder
from bertie.tasks.model import Model as BertieModel

# Called with what is being done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


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
    check_rounds(rounds)
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        measured = Rounds(model, kinds)
        for done in range(rounds):
            report_progress("embedding", done, rounds + 2)
            measured.measure()
    options = {
        "precision": info.precision,
        "threads": model.encoder.threads,
        "calibration": str(calibration) if isinstance(calibration, Path) else calibration,
    }
    report_progress("starting", rounds, rounds + 2)
    started = time_cold_starts(info.directory, options, rounds)
    report_progress("weighing", rounds + 1, rounds + 2)
    resident = measure_memory(info.directory, options, _shuffled(kinds))
    described_model, machine = describe(model, load_before, measured.peaks)
    return Report(
        model=described_model,
        machine=machine,
        rounds=rounds,
        bulk=tuple(one.report() for one in measured.bulk),
        latency=tuple(one.report() for one in measured.calls),
        memory=resident,
        start=started,
    )


def check_rounds(rounds: int) -> None:
    """Refuse a number of rounds that is none."""
    if type(rounds) is not int or rounds < 1:
        raise InputError(f"rounds is {rounds!r}, expected at least 1")


def given_texts(texts: Iterable[str]) -> Texts:
    """Check the caller's texts."""
    if isinstance(texts, str):
        raise InputError("texts is one str, expected an iterable of texts")
    several, _ = as_list(texts, pairs=False)
    check_texts(several, pairs=False)
    if not several:
        raise InputError("there are no texts, expected at least one")
    return Texts("given", tuple(several))


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
