"""A report is whole and makes sense; how fast anything is, is nobody's promise here."""

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

import bertie
from bertie.bench import PrecisionsReport, Report, Spread, measure, measure_precisions
from bertie.bench.cold_start import time_cold_starts
from bertie.engine.encoder import auto_precision
from bertie.errors import BertieError, InputError, SourceError
from bertie.export import write_bundle

TEXTS = ["The old bridge of stone.", "", "wind " * 100, "the river"]


@pytest.fixture(scope="module")
def report(tiny_sentence) -> Report:
    return measure(tiny_sentence, threads=1, texts=TEXTS, rounds=2)


def numbers(value: Any, path: str = "") -> dict[str, float]:
    """Every number in a tree of records, by its path."""
    if is_dataclass(value):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
    elif isinstance(value, tuple):
        parts = {str(i): one for i, one in enumerate(value)}
    else:
        return {path: value} if isinstance(value, int | float) else {}
    found: dict[str, float] = {}
    for name, part in parts.items():
        found |= numbers(part, f"{path}.{name}")
    return found


def test_every_figure_is_positive_and_spreads_are_in_order(report: Report) -> None:
    may_be_zero = (".load", ".truncated")
    for path, number in numbers(report).items():
        assert number > 0 or path.endswith(may_be_zero), path
        if path.endswith(".median"):
            spread = numbers(report)
            stem = path.removesuffix("median")
            assert spread[stem + "least"] <= number <= spread[stem + "most"], path


def test_the_model_is_named_with_what_was_resolved(report: Report, tiny_sentence) -> None:
    info = bertie.load(tiny_sentence).info()
    assert report.model.source == str(tiny_sentence)
    assert report.model.precision == info.precision
    assert report.machine.isa == info.isa
    assert report.machine.threads == 1
    assert report.rounds == 2


def test_the_callers_texts_are_counted_as_the_model_reads_them(report: Report) -> None:
    (bulk,) = report.bulk
    model_reads = [8, 2, report.model.max_length, 4]
    assert (bulk.name, bulk.texts, bulk.truncated) == ("given", 4, 1)
    assert bulk.tokens == sum(model_reads)
    assert bulk.longest == report.model.max_length
    ratio = bulk.tokens_per_second.median / bulk.texts_per_second.median
    assert ratio == pytest.approx(bulk.tokens / bulk.texts)


def test_the_share_is_of_the_peak(report: Report) -> None:
    for bulk in report.bulk:
        # Of a model this small the products are the least part.
        assert 0 < bulk.peak_share.most < 1


def test_latency_has_percentiles_in_order_for_each_call_size(report: Report) -> None:
    assert [latency.texts for latency in report.latency] == [1, 8, 32]
    for latency in report.latency:
        assert latency.p50_ms <= latency.p95_ms <= latency.p99_ms
        assert latency.calls >= 6
        assert latency.tokens >= 2 * latency.texts


def test_start_and_memory_add_up(report: Report) -> None:
    start = report.start
    parts = start.import_ms.least + start.load_ms.least + start.embed_ms.least
    assert parts < start.first_vector_ms.most
    assert start.runs == 2
    if report.memory is not None:
        assert report.memory.imported_bytes > 5_000_000
        assert report.memory.bulk_bytes <= report.memory.peak_bytes


def test_a_report_is_json_and_frozen(report: Report) -> None:
    assert json.loads(json.dumps(report.to_dict()))["rounds"] == 2
    with pytest.raises(FrozenInstanceError):
        report.rounds = 3  # type: ignore[misc]


def test_progress_is_told_to_the_end(tiny_bert) -> None:
    told: list[tuple[str, int, int]] = []
    measure(tiny_bert, texts=["a"], rounds=1, progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [0, 0, 1, 2]
    assert {total for _, _, total in told} == {3}


def test_int8_is_measured_as_it_was_calibrated(tiny_bert, tmp_path) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text("the river\nstone and wind\n")
    for calibration in (sample, ["the river", "stone and wind"]):
        report = measure(
            tiny_bert, precision="int8", calibration=calibration, texts=["wind"], rounds=1
        )
        assert report.model.precision == "int8"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rounds": 0}, "rounds is 0, expected at least 1"),
        ({"rounds": 1.5}, "rounds is 1.5"),
        ({"texts": []}, "there are no texts"),
        ({"texts": ["a", None]}, "1"),
        ({"texts": "a text"}, "texts is one str"),
        ({"threads": 0}, "threads is 0"),
        ({"precision": "float3"}, "float3"),
        ({"precision": "float32", "calibration": ["a"]}, "only int8 is calibrated"),
    ],
)
def test_what_can_not_be_measured_is_refused(tiny_bert, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        measure(tiny_bert, **options)


def test_a_model_that_is_not_there_is_a_source_error() -> None:
    with pytest.raises(SourceError, match="/nowhere"):
        measure("/nowhere")


def test_a_process_that_fails_is_an_error_with_its_last_line() -> None:
    with pytest.raises(BertieError, match=r"could not run /nowhere: .*SourceError"):
        time_cold_starts("/nowhere", {}, 1)


def test_a_spread_is_the_median_and_the_ends() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([5.0]) == Spread(5.0, 5.0, 5.0)


@pytest.fixture(scope="module")
def precisions(tiny_sentence) -> PrecisionsReport:
    sample = ["the river", "stone and wind"]
    return measure_precisions(tiny_sentence, threads=1, calibration=sample, texts=TEXTS, rounds=2)


def test_every_precision_is_measured_as_one_is(precisions: PrecisionsReport) -> None:
    assert [one.precision for one in precisions.measured] == ["float32", "bfloat16", "int8"]
    for one in precisions.measured:
        assert [bulk.texts for bulk in one.bulk] == [len(TEXTS)]
        assert [latency.texts for latency in one.latency] == [1, 8, 32]
    for path, number in numbers(precisions).items():
        assert number > 0 or path.endswith((".load", ".truncated", ".auto_is_right")), path
    assert json.loads(json.dumps(precisions.to_dict()))["rounds"] == 2


def test_auto_is_judged_by_what_was_measured(
    tiny_sentence, precisions: PrecisionsReport, monkeypatch
) -> None:
    assert precisions.auto == auto_precision()
    assert precisions.model.precision == precisions.auto.value
    for auto, speedup, right in (
        ("bfloat16", 1.5, True),
        ("bfloat16", 0.97, True),
        ("bfloat16", 0.5, False),
        ("float32", 0.5, True),
        ("float32", 1.03, True),
        ("float32", 1.5, False),
    ):
        monkeypatch.setattr(
            "bertie.bench.precisions.auto_precision",
            lambda auto=auto: bertie.Setting(auto, "auto: so"),
        )
        monkeypatch.setattr(
            "bertie.bench.precisions._speedup",
            lambda one, other, speedup=speedup: Spread(speedup, speedup, speedup),
        )
        report = measure_precisions(tiny_sentence, threads=1, texts=["wind"], rounds=1)
        assert report.auto_is_right == right


def test_a_bundle_of_bytes_has_no_other_precision(tiny_sentence, tmp_path) -> None:
    write_bundle(tiny_sentence, tmp_path / "bytes", precision="int8")
    with pytest.raises(InputError, match=r"precision is float32, but .* has its weights in int8"):
        measure_precisions(tmp_path / "bytes", texts=["wind"], rounds=1)
