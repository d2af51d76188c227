"""Every precision side by side, and whether `auto` means the right one of them on this machine."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from bertie.bench.load_average import load_average
from bertie.bench.measure import Progress, check_rounds, describe, given_texts
from bertie.bench.report import Measured, PrecisionsReport, Spread
from bertie.bench.rounds import Rounds
from bertie.bench.texts import synthetic_texts
from bertie.engine.encoder import PRECISIONS, auto_precision
from bertie.errors import TruncationWarning
from bertie.loading.load import load
from bertie.tasks.embed import Embedder

# As a share of the time: less is no difference that another day would show again.
_EVEN = 0.05


def measure_precisions(
    source: str | Path = "minilm",
    *,
    threads: int | None = None,
    calibration: str | Path | Sequence[str] | None = None,
    texts: Iterable[str] | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> PrecisionsReport:
    """Measure a model in every precision on this machine, in turns.

    Prompts are left out, so that every text is as long as it looks.

    Args:
        source, threads, calibration: as for bertie.load; the calibration is int8's.
        texts: what to embed; None for short and long texts made of the vocabulary's words.
        rounds: how often each precision is measured.
        progress: is told how far the work is.
    Raises: InputError: no texts, something among them that is none, or less than one round; a
        bundle that doesn't have its weights in float32.
    Raises: whatever bertie.load raises.
    """
    check_rounds(rounds)
    given = None if texts is None else given_texts(texts)
    load_before = load_average()
    told, steps = progress or (lambda what, done, total: None), len(PRECISIONS) + rounds
    models: dict[str, Rounds] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        for precision in PRECISIONS:
            told("loading", len(models), steps)
            model = load(
                source,
                task="embed",
                precision=precision,
                threads=threads,
                calibration=calibration if precision == "int8" else None,
            )
            assert isinstance(model, Embedder)
            kinds = synthetic_texts(model.tokenizer, model.max_length) if given is None else [given]
            models[precision] = Rounds(model, kinds)
        for done in range(rounds):
            told("embedding", len(PRECISIONS) + done, steps)
            # Each begins in turn: what runs first after a pause finds another clock rate.
            for i in range(len(PRECISIONS)):
                models[PRECISIONS[(done + i) % len(PRECISIONS)]].measure()
    auto = auto_precision()
    described, machine = describe(models[auto.value].model, load_before)
    speedup = _speedup(models["float32"], models["bfloat16"])
    lead = speedup.median if auto.value == "bfloat16" else 1 / speedup.median
    return PrecisionsReport(
        model=described,
        machine=machine,
        rounds=rounds,
        auto=auto,
        measured=tuple(_measured(precision, one) for precision, one in models.items()),
        bfloat16_speedup=speedup,
        auto_is_right=lead > 1 - _EVEN,
    )


def _measured(precision: str, rounds: Rounds) -> Measured:
    """Summarize a precision's rounds."""
    return Measured(
        precision,
        Spread.of([peak / 1e9 for peak in rounds.peaks]),
        tuple(one.report() for one in rounds.bulk),
        tuple(one.report() for one in rounds.calls),
    )


def _speedup(one: Rounds, other: Rounds) -> Spread:
    """Say how many times as fast as one the other embedded all bulk texts, by round."""
    seconds = [
        [sum(round_) for round_ in zip(*(bulk.seconds for bulk in rounds.bulk), strict=True)]
        for rounds in (one, other)
    ]
    return Spread.of([a / b for a, b in zip(*seconds, strict=True)])
