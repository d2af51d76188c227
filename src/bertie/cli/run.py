"""bertie run"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bertie.cli import options, output
from bertie.cli.progress import ProgressBar
from bertie.tasks.table import TASKS

_TASKS = (*(name.replace("_", "-") for name in TASKS), "tokenize")
_PROGRESS_SECONDS = 1.0  # between lines of progress


def _repeated(name: str, flag: str, what: str) -> Callable[[Any], Any]:
    """An option that may be given several times."""
    return click.option(flag, name, multiple=True, help=what)


# The keyword arguments of the tasks' methods, each by the name that they have there.
_METHOD_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--truncate",
        type=click.Choice(["right", "left", "error", "window"]),
        help="Where a longer text loses tokens, whether its row is rejected, or is read in"
        " windows.  [default: window for tag and answer, right for others]",
    ),
    click.option("--prompt-name", metavar="NAME", help="embed: which of the model's prompts."),
    click.option(
        "--kind",
        type=click.Choice(["query", "document"]),
        help="embed, multivector: what the texts are.",
    ),
    click.option(
        "--vectors",
        "output",
        type=click.Choice(["float32", "float16", "int8", "uint8", "binary", "ubinary"]),
        help="embed: what vectors are made of.  [default: float32]",
    ),
    options.top_k,
    options.raw,
    _repeated("labels", "--label", "zero-shot: a label to judge; rank: the label that counts."),
    click.option("--hypothesis", help="zero-shot: the sentence that is judged, with {} in it."),
    click.option("--multi-label", is_flag=True, help="zero-shot: judge each label alone."),
    click.option("--entailment", metavar="LABEL", help="zero-shot: the label for what follows."),
    click.option(
        "--aggregation",
        type=click.Choice(["none", "simple", "first", "average", "max"]),
        help="tag: which of a word's tokens label it.  [default: first]",
    ),
    click.option(
        "--max-answer-length",
        type=click.IntRange(min=1),
        help="answer: the most tokens of an answer.  [default: 15]",
    ),
    click.option("--no-answer", is_flag=True, help="answer: let there be none."),
    click.option("--threshold", type=float, help="answer: how far none must be above the best."),
    _repeated("targets", "--target", "fill: consider only this word."),
)
_METHOD_OPTION_NAMES = (
    "truncate",
    "prompt_name",
    "kind",
    "output",
    "top_k",
    "raw",
    "labels",
    "hypothesis",
    "multi_label",
    "entailment",
    "aggregation",
    "max_answer_length",
    "no_answer",
    "threshold",
    "targets",
)


def _method_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every task's method."""
    for option in reversed(_METHOD_OPTIONS):
        function = option(function)
    return function


@options.command("run")
@click.argument("task", type=click.Choice(_TASKS))
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "output_path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PATH",
    help="A .parquet or .jsonl file, or a directory of shards.",
)
@options.model
@options.precision
@options.calibration
@options.threads
@options.settings
@click.option("--dimensions", type=click.IntRange(min=1), help="embed: floats to keep of a vector.")
@click.option(
    "--ranges",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="embed: a .npy file of each dimension's least and largest value, for int8 and uint8.",
)
@options.column
@options.pair_column("a second text: of a pair, tokenize's, or what next-sentence's row follows")
@click.option("--query", help="rank: what every row is ranked for.")
@click.option("--query-column", metavar="COLUMN", help="rank: the column with each row's query.")
@click.option("--question", help="answer: what every row is asked.")
@click.option("--question-column", metavar="COLUMN", help="answer: the column with questions.")
@_repeated("keep", "--keep", "A column to keep; several times for several.  [default: all]")
@click.option(
    "--format",
    "input_format",
    type=click.Choice(["csv", "tsv", "jsonl", "lines", "parquet"]),
    help="The input's format.  [default: by its name; of standard input, lines]",
)
@click.option(
    "--shards",
    "output_format",
    type=click.Choice(["parquet", "jsonl"]),
    default="parquet",
    show_default=True,
    help="What a directory's shards are.",
)
@click.option(
    "--shard-rows",
    type=click.IntRange(min=1),
    default=4096,
    show_default=True,
    help="The most rows of a shard; as many KiB of input end one too.",
)
@_method_options
@click.option(
    "--on",
    type=click.Choice(["local", "ray", "spark"]),
    default="local",
    show_default=True,
    help="Where to run: this process, a Ray cluster, Spark.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="How many models there are on Ray or Spark.  [default: one a machine]",
)
@click.option("--restart", is_flag=True, help="Begin anew, whatever was done before.")
@click.option(
    "--allow-other-isa",
    is_flag=True,
    help="Go on where the CPU has other instructions, though last bits may differ.",
)
@click.option(
    "--max-errors",
    type=click.IntRange(min=0),
    help="The most rows to reject before the run fails.  [default: any number]",
)
@click.option(
    "--spool",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep standard input here, so that a run that was broken off can go on.",
)
@click.option(
    "--progress",
    type=click.Choice(["bar", "json", "none"]),
    help="How to show progress.  [default: bar on a terminal, none elsewhere]",
)
@click.option(
    "--price-per-hour", type=click.FloatRange(min=0), help="Of the machines; gives the cost."
)
def command(**given: Any) -> None:
    """Run a task over files of any size, exactly once: the same command again goes on.

    INPUTS are CSV, TSV, JSONL, Parquet or plain text files, compressed or not, directories,
    patterns such as 'data/**/*.csv.gz', or - for standard input. Their columns are kept and the
    answers' added. Rows that can't be read or answered go to a file of rejects with the reason.
    """
    job = _job(click.get_current_context(), given)
    from bertie.jobs.run import How, run

    shown = given["progress"] or ("bar" if sys.stderr.isatty() else "none")
    stream = sys.stdin.buffer if "-" in given["inputs"] else None
    try:
        with ProgressBar("rows") as bar:
            summary = run(
                job,
                How(
                    on=given["on"],
                    workers=given["workers"],
                    restart=given["restart"],
                    allow_other_isa=given["allow_other_isa"],
                    max_errors=given["max_errors"],
                    spool=given["spool"],
                    stream=stream,
                    observe=_observer(shown, bar),
                    say=_say,
                ),
            )
    except KeyboardInterrupt:
        begins_anew = stream is not None and given["spool"] is None
        _say(
            "broken off; the same command "
            + ("begins anew, as there was no --spool" if begins_anew else "goes on from here")
        )
        raise
    if shown == "json":
        _print_line({"event": "summary", **summary.to_dict(given["price_per_hour"])})
    else:
        _show(summary, given["price_per_hour"])


def _job(ctx: click.Context, given: dict[str, Any]) -> Any:
    """Make the job that the options describe."""
    from bertie.jobs.job import Job
    from bertie.jobs.tasks import JOB_TASKS

    task = given["task"].replace("-", "_")
    named = [
        name
        for name in _METHOD_OPTION_NAMES
        if ctx.get_parameter_source(name) != ParameterSource.DEFAULT
    ]
    chosen = {name: given[name] for name in named}
    if task == "rank" and "labels" in chosen:
        (chosen["label"],) = chosen.pop("labels")[-1:]
    for name in chosen:
        if name not in JOB_TASKS[task].options:
            shown = {"output": "vectors", "labels": "label", "targets": "target"}.get(name, name)
            raise click.UsageError(f"--{shown.replace('_', '-')} is no option of {given['task']}")
    pair, pair_column = _pair(task, given)
    return Job(
        task=task,
        inputs=given["inputs"],
        output=given["output_path"],
        model=given["source"],
        load=_load(given),
        options=chosen,
        column=given["column"],
        pair=pair,
        pair_column=pair_column,
        keep=given["keep"] or None,
        input_format=given["input_format"],
        output_format=given["output_format"],
        shard_rows=given["shard_rows"],
    )


def _pair(task: str, given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Find the second text of each row, by the name that the task has for it."""
    own = {"rank": "query", "answer": "question"}.get(task)
    for name in ("query", "question"):
        if name != own and (given[name] is not None or given[f"{name}_column"] is not None):
            raise click.UsageError(f"--{name} is no option of {given['task']}")
    if own is None:
        if task == "next_sentence" and given["pair_column"] is None:
            raise click.UsageError(
                "next-sentence needs --pair-column, the column of what may follow the text"
            )
        return None, given["pair_column"]
    if given["pair_column"] is not None:
        raise click.UsageError(f"--pair-column is no option of {task}; --{own}-column is")
    if (given[own] is None) == (given[f"{own}_column"] is None):
        raise click.UsageError(f"give --{own} or --{own}-column, one of them")
    return given[own], given[f"{own}_column"]


def _load(given: dict[str, Any]) -> dict[str, Any]:
    """Collect bertie.load's options."""
    load = {
        **given["settings"],
        **{name: given[name] for name in ("precision", "threads", "dimensions")},
    }
    for name in ("calibration", "config", "vocab"):
        path = given.get(name) or load.get(name)
        if path is not None:
            load[name] = str(Path(path).absolute())
    if given["ranges"] is not None:
        import numpy as np

        load["ranges"] = np.load(given["ranges"], allow_pickle=False).tolist()
    return {name: value for name, value in load.items() if value is not None}


def _observer(shown: str, bar: ProgressBar) -> Any:
    """Make what shows how far a run is."""
    if shown == "none":
        return None
    if shown == "bar":
        return lambda now: bar.update(
            f"{now.tokens / max(now.seconds, 1e-9):,.0f} tokens/s",
            now.done,
            now.total,
            counted=now.rows,
        )
    last = -_PROGRESS_SECONDS

    def line(now: Any) -> None:
        nonlocal last
        if now.seconds - last >= _PROGRESS_SECONDS:
            last = now.seconds
            _print_line({"event": "progress", **now.to_dict()})

    return line


def _print_line(record: dict[str, Any]) -> None:
    """Write a line for machines."""
    click.echo(output.json_line(record), err=True)


def _say(what: str) -> None:
    """Tell a person something worth knowing."""
    click.echo(f"bertie: {what}", err=True)


def _show(summary: Any, price: float | None) -> None:
    """Say what a job came to."""
    counts, seconds = summary.counts, max(summary.seconds, 1e-9)
    parts = [f"{counts.rows:,} rows in {summary.output}", f"{counts.tokens:,} tokens"]
    if counts.truncated:
        parts.append(f"{counts.truncated:,} rows lost {counts.left_out:,} tokens")
    if counts.rejected:
        parts.append(f"{counts.rejected:,} rows rejected, see {summary.rejects}")
    if summary.resumed:
        parts.append(f"{summary.resumed} of {summary.shards} shards were done before")
    if summary.own.rows:
        rate = f"{summary.own.rows / seconds:,.0f} rows/s, {summary.own.tokens / seconds:,.0f}"
        parts.append(f"{summary.seconds:.1f} s, {rate} tokens/s")
    if price is not None and (cost := summary.cost(price)) is not None:
        parts.append(f"{cost:.4g} per million tokens at {price:g} an hour")
    click.echo("; ".join(parts), err=True)
