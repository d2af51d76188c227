"""bertie bench"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bertie.cli import options, output
from bertie.cli.progress import ProgressBar
from bertie.tasks.table import TASKS

if TYPE_CHECKING:
    from bertie.bench import (
        Bulk,
        Latency,
        Machine,
        Memory,
        Model,
        PrecisionsReport,
        Report,
        Spread,
        TaskReport,
    )


@options.command("bench")
@options.source
@click.option(
    "--task",
    type=click.Choice(list(TASKS)),
    help="Measure what this task takes beside the encoder, instead.",
)
@options.precision
@click.option(
    "--precisions",
    is_flag=True,
    help="Measure every precision side by side, instead, and say whether auto means the right one.",
)
@options.threads
@options.calibration
@click.option(
    "--texts",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure with the texts of a CSV, TSV, JSONL or plain text file.  [default: random words]",
)
@options.column
@options.file_format
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often to measure everything; medians are shown.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as --as jsonl does.")
@options.show_as
def command(
    source: str,
    task: str | None,
    precision: str,
    precisions: bool,
    threads: int | None,
    calibration: Path | None,
    file: Path | None,
    column: str,
    file_format: str | None,
    rounds: int,
    as_json: bool,
    show_as: str | None,
) -> None:
    """Measure how fast a model runs here, and how near to what the CPU can do.

    SOURCE is a directory, a hub id, pypi:package or an alias; without it, the default model.
    Times run from text to vector, tokenizing included. The peak is what the threads can multiply
    in the precision in use; it is measured in every round, beside the model. Memory and start are
    those of new processes. With --task, the encoder is timed inside the task's own calls, and what
    the rest of them takes is shown. docs/performance.md explains the figures.
    """
    if precisions and (task is not None or precision != "auto"):
        other = "--task" if task is not None else "--precision"
        raise click.UsageError(f"--precisions measures all of them, embedding; leave out {other}")
    from bertie.sources import resolve

    with ProgressBar("B") as bar:
        resolve(source, progress=bar.update)
    from bertie.bench import (
        PrecisionsReport,
        Report,
        TaskReport,
        measure,
        measure_precisions,
        measure_task,
    )
    from bertie.tables import read

    texts = None
    if file is not None:
        texts = [row.fields[column] for row in read(file, column=column, format=file_format)]
    report: Report | TaskReport | PrecisionsReport
    with ProgressBar("steps") as bar:
        how: dict[str, Any] = {
            "threads": threads,
            "calibration": calibration,
            "texts": texts,
            "rounds": rounds,
            "progress": bar.update,
        }
        if precisions:
            report = measure_precisions(source, **how)
        elif task is None:
            report = measure(source, precision=precision, **how)
        else:
            report = measure_task(source, task, precision=precision, **how)
    if as_json or not output.as_table(show_as):
        output.print_json(report.to_dict())
    elif isinstance(report, TaskReport):
        _print_task(report)
    elif isinstance(report, PrecisionsReport):
        _print_precisions(report)
    else:
        _print(report)


def _print(report: "Report") -> None:
    """Print a report for a person."""
    output.print_record(_described(report.model, report.machine, report.rounds))
    click.echo()
    output.print_columns(
        ("bulk", "texts", "tokens", "tokens/s", "texts/s", "GFLOP/s", "of peak"),
        map(_bulk, report.bulk),
        right=("texts", "tokens", "tokens/s", "texts/s", "GFLOP/s", "of peak"),
    )
    click.echo()
    output.print_columns(
        ("one call", "tokens", "calls", "p50 ms", "p95 ms", "p99 ms"),
        map(_latency, report.latency),
        right=("tokens", "calls", "p50 ms", "p95 ms", "p99 ms"),
    )
    click.echo()
    start = report.start
    rows = [
        ("new process to first vector", f"{_spread(start.first_vector_ms)} ms"),
        ("  importing", f"{_spread(start.import_ms)} ms"),
        ("  loading the model", f"{_spread(start.load_ms)} ms"),
        ("  embedding one text", f"{_spread(start.embed_ms)} ms"),
    ]
    if report.memory is not None:
        rows += _memory(report.memory)
    output.print_columns(("start and memory", ""), rows, right=("",))


def _print_task(report: "TaskReport") -> None:
    """Print a task's report for a person."""
    output.print_record(
        {"task": report.task, **_described(report.model, report.machine, report.rounds)}
    )
    click.echo()
    columns = ("texts/s", "encoder", "head, at its rate", "over both")
    output.print_columns(
        ("bulk", "texts", *columns),
        (
            (
                f"{bulk.name} texts",
                f"{bulk.texts:,}",
                _spread(bulk.texts_per_second),
                *(
                    f"{_spread(share, 100)} %"
                    for share in (bulk.encoder_share, bulk.head_share, bulk.overhead)
                ),
            )
            for bulk in report.bulk
        ),
        right=("texts", *columns),
    )


def _print_precisions(report: "PrecisionsReport") -> None:
    """Print every precision's report for a person."""
    described = _described(report.model, report.machine, report.rounds)
    described["precision"] = f"auto is {report.auto.value} ({report.auto.origin})"
    output.print_record(described)
    click.echo()
    names = [bulk.name for bulk in report.measured[0].bulk]
    shown = [column for name in names for column in (f"{name}, tokens/s", "of peak")]
    columns = ("peak GFLOP/s", *shown, "one text, ms")
    output.print_columns(
        ("precision", *columns),
        (
            (
                one.precision,
                _spread(one.peak_gflops),
                *(
                    cell
                    for each in one.bulk
                    for cell in (
                        _spread(each.tokens_per_second),
                        f"{100 * each.peak_share.median:.0f} %",
                    )
                ),
                f"{one.latency[0].p50_ms:.2f}",
            )
            for one in report.measured
        ),
        right=columns,
    )
    click.echo()
    fast = f"bfloat16 is {report.bfloat16_speedup.median:.2f} times as fast as float32 here"
    if report.auto_is_right:
        click.echo(f"auto is right: {fast}")
    else:
        other = "float32" if report.auto.value == "bfloat16" else "bfloat16"
        click.echo(
            f"auto is wrong: {fast}. Take --precision {other} on this machine, and please report"
            " this with what 'bertie env' says"
        )


def _described(model: "Model", machine: "Machine", rounds: int) -> dict[str, str | int]:
    """Say what was measured, and on what."""
    peak = machine.peak_gflops
    return {
        "model": f"{model.source}: {model.layers} layers of width {model.hidden_size}, "
        f"{model.parameters / 1e6:.1f} million parameters",
        "precision": model.precision,
        "cpu": f"{machine.cpu}, {machine.threads} of {machine.cores} cores, {machine.isa}",
        **({} if peak is None else {"multiply peak": f"{_spread(peak)} GFLOP/s"}),
        **({} if machine.load is None else {"load before": f"{machine.load:.1f}"}),
        "rounds": rounds,
    }


def _bulk(bulk: "Bulk") -> tuple[str, ...]:
    name = f"{bulk.name} texts"
    if bulk.truncated:
        name += f", {bulk.truncated} cut"
    return (
        name,
        f"{bulk.texts:,}",
        f"{bulk.tokens:,}",
        _spread(bulk.tokens_per_second),
        _spread(bulk.texts_per_second),
        _spread(bulk.gflops),
        f"{100 * bulk.peak_share.median:.0f} %",
    )


def _latency(latency: "Latency") -> tuple[str, ...]:
    times = (latency.p50_ms, latency.p95_ms, latency.p99_ms)
    return (
        "one text" if latency.texts == 1 else f"{latency.texts} texts",
        f"{latency.tokens:.0f}",
        f"{latency.calls:,}",
        *(f"{time:.2f}" for time in times),
    )


def _memory(memory: "Memory") -> Iterator[tuple[str, str]]:
    sizes = (
        ("memory after importing", memory.imported_bytes),
        ("  after loading the model", memory.loaded_bytes),
        ("  after 100 texts", memory.few_bytes),
        ("  after all bulk texts", memory.bulk_bytes),
        ("  at most", memory.peak_bytes),
    )
    for name, size in sizes:
        yield name, f"{size / 1e6:.0f} MB"


def _spread(spread: "Spread", times: float = 1) -> str:
    """A median and how far the rounds lie from it at most, with the digits that it deserves."""
    median, least, most = (times * v for v in (spread.median, spread.least, spread.most))
    digits = 0 if median >= 100 else 1
    off = max(most - median, median - least)
    shown = f"{median:,.{digits}f}"
    return shown if off == 0 else f"{shown} ± {off:,.{digits}f}"
