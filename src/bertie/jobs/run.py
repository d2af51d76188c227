"""Running a job: started or resumed, its shards done, its output put together."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from bertie.errors import InputError, TruncationWarning
from bertie.jobs import files, manifest, output
from bertie.jobs.chunk import Chunk
from bertie.jobs.columns import input_columns, output_columns
from bertie.jobs.counts import Counts
from bertie.jobs.files import STDIN, InputFile
from bertie.jobs.job import Job
from bertie.jobs.json_columns import JsonColumns
from bertie.jobs.layout import OutputLayout, layout_of
from bertie.jobs.manifest import Record
from bertie.jobs.model import identify
from bertie.jobs.plan import Plan
from bertie.jobs.report import Observer, ProgressTracker, Summary
from bertie.jobs.shards import InputReader, Shard
from bertie.jobs.spool import rewindable, spool_stdin
from bertie.jobs.tasks import JOB_TASKS
from bertie.sources.local import absolute_source

# Where shards are done, and the module that has them done there.
BACKENDS = {"local": "local", "ray": "on_ray", "spark": "on_spark"}


@dataclass(frozen=True)
class How:
    """How a job runs; nothing here changes its output.

    Attributes:
        on: a key of BACKENDS.
        workers: how many at a time, where there may be several; None: one a machine.
        restart: begin anew, whatever was done before.
        allow_other_isa: go on, or work, on a CPU with another instruction set.
        max_errors: the most rows to reject before the run fails; None for any number.
        spool: a directory to keep standard input in.
        stream: what standard input is.
        observe: told how far the run is.
        say: told what a person should know.
    """

    on: str = "local"
    workers: int | None = None
    restart: bool = False
    allow_other_isa: bool = False
    max_errors: int | None = None
    spool: Path | None = None
    stream: Any = None
    observe: Observer | None = None
    say: Callable[[str], None] = warnings.warn


def run(job: Job, how: How | None = None) -> Summary:
    """Run a job to its end, or go on with one that was broken off.

    The output of a job is the same to the last byte however often it was broken off, on one
    machine or many.

    Args:
        job: what to do.
        how: how to run it.
    Raises: InputError: the input can't be read or isn't what it was; the job was another one when
        it was begun; another run works on it; the disk refuses the output; too many rows were
        rejected.
    Raises: SourceError, CheckpointError, TokenizerError, TaskError: the model can't be loaded.
    Raises: ExtraMissing: what it runs on isn't installed.
    """
    how = how or How()
    check_job(job)
    _check(job, how)
    backend = import_module(f"bertie.jobs.{BACKENDS[how.on]}")
    job, found = _find_input(job, how)
    layout = layout_of(job)
    _check_overlap(layout, found)
    with layout.locked():
        return _Run(job, how, found, layout).run(backend)


class _Run:
    """One run of a job, its lock held."""

    def __init__(
        self, job: Job, how: How, found: tuple[InputFile, ...], layout: OutputLayout
    ) -> None:
        self._how = how
        self._files = found
        self._layout = layout
        self._job = job
        fresh = how.restart or any(file.path == STDIN for file in found)
        self._previous = None if fresh else manifest.read(layout)
        precision = self._previous["asked"]["precision"] if self._previous else None
        self._identity = identify(job, precision)
        self._records: dict[int, Record] = {}
        self._resumed = 0

    def run(self, backend: Any) -> Summary:
        """Do what is left to do."""
        with (
            rewindable(self._files[0], self._how.stream, self._layout.state_directory) as stream,
            closing(InputReader(self._files, self._job, stream)) as source,
            closing(source.scan()) as scanned,
        ):
            settled = self._json_columns(source, stream)
            first = next(scanned, None)
            plan = self._plan(source.columns() if settled is None else settled)
            spec = manifest.specification(self._job, self._files, self._identity, plan.columns)
            self._resume(spec)
            if self._previous and self._previous["state"] == manifest.FINISHED:
                return self._already_finished(chain([first] if first else [], scanned))
            sizes = [file.size for file in self._files]
            unknown = any(file.compressed or file.path == STDIN for file in self._files)
            progress = ProgressTracker(self._how.observe, None if unknown else sum(sizes))
            shards = self._pending(chain([first] if first else [], scanned), progress)
            with warnings.catch_warnings():  # the summary has the counts
                warnings.simplefilter("ignore", TruncationWarning)
                own = self._run_shards(backend, plan, shards, progress)
        return self._finish(spec, plan, own, progress)

    def _json_columns(self, source: InputReader, stream: Any) -> Any:
        """Settle the columns of JSONL by all its rows; None for other formats."""
        if self._files[0].format != "jsonl":
            return None
        name = self._files[0].path
        columns = JsonColumns(self._job, name, as_json=self._layout.format == "jsonl")
        rows, bad = 0, 0
        reason = ""
        for _, chunk in source.scan():
            columns.add(chunk.rows)
            rows += len(chunk.rows)
            bad += len(chunk.bad)
            for one in chunk.bad[: not reason]:
                reason = f"row {one.number} (line {one.line}): {one.reason}"
        if bad and not rows:
            raise InputError(f"{name}: none of the {bad} rows can be read; the first: {reason}")
        if not rows:
            raise InputError(f"{name} is empty, expected one JSON object a line")
        if stream is not None:
            stream.seek(0)
        return columns.schema()

    def _plan(self, found: Any) -> Plan:
        """Settle the columns. Args: found: in the input, a schema or names."""
        schema = input_columns(self._job, found, self._files[0].path)
        task = JOB_TASKS[self._job.task]
        added = task.fields(self._identity.dimensions, self._job.options)
        columns = output_columns(self._job, schema, added)
        return Plan(
            self._job,
            self._files,
            self._layout,
            self._identity,
            schema,
            columns,
            self._how.allow_other_isa,
        )

    def _resume(self, spec: Mapping[str, Any]) -> None:
        """Write the manifest, or see that the job is still the same."""
        if self._previous is None:
            self._start(spec)
            return
        was = dict(self._previous["asked"])
        if self._how.allow_other_isa:
            was["isa"] = spec["isa"]
        changed = list(manifest.differences(was, spec))
        if changed:
            raise InputError(
                f"{self._layout.output} was begun by another job: {'; '.join(changed)}. Give what"
                " was given then, or begin anew by --restart"
                + ("; --allow-other-isa goes on" if changed[0].startswith("isa was") else "")
            )
        if self._previous["state"] != manifest.FINISHED:
            self._records = manifest.records(self._layout)

    def _start(self, spec: Mapping[str, Any]) -> None:
        """Begin anew, if that is what was asked for or nothing is there."""
        layout = self._layout
        if layout.manifest.exists() and not self._how.restart:
            self._how.say(
                "standard input can't be read again: beginning anew; --spool DIR keeps it"
            )
        elif layout.one_file and layout.output.exists() and not self._how.restart:
            raise InputError(
                f"{layout.output} exists already, and no job made it; name another file, or"
                " replace it by --restart"
            )
        layout.clear()
        manifest.save(layout, spec, self._job.model, manifest.RUNNING)

    def _pending(
        self, scanned: Iterator[tuple[Shard, Chunk]], progress: ProgressTracker
    ) -> Iterator[tuple[Shard, Chunk]]:
        """Give the shards that aren't finished; those that are must be what they were."""
        for shard, chunk in scanned:
            record = self._records.get(shard.number)
            if record is None:
                yield shard, chunk
                continue
            if record.shard != shard:
                path = self._files[shard.file].path
                raise InputError(
                    f"{path} changed since the job was begun, in {shard.rows} rows from"
                    f" {chunk.numbers[0][0] if chunk.numbers else '?'} on; put back what it"
                    " was, or begin anew by --restart"
                )
            self._resumed += 1
            progress.skip_bytes(shard.size)

    def _run_shards(
        self,
        backend: Any,
        plan: Plan,
        shards: Iterator[tuple[Shard, Chunk]],
        progress: ProgressTracker,
    ) -> Counts:
        """Have the shards done."""
        own = Counts()
        rejected = sum(record.counts.rejected for record in self._records.values())
        self._check_rejected(rejected)
        given = (
            {"on_rows": progress.add_rows}
            if self._how.on == "local"
            else {"workers": self._how.workers}
        )
        with closing(backend.run_shards(plan, shards, **given)) as finished:
            for record in finished:
                self._records[record.shard.number] = record
                own += record.counts
                if self._how.on != "local":
                    progress.add_rows(record.counts.rows, record.counts.tokens)
                progress.add_bytes(record.shard.size)
                self._check_rejected(rejected + own.rejected)
        return own

    def _check_rejected(self, count: int) -> None:
        """Refuse to go on with too many rejected rows."""
        most = self._how.max_errors
        if most is not None and count > most:
            output.assemble_rejects(self._layout)
            raise InputError(
                f"{count} rows were rejected, more than --max-errors {most};"
                f" {self._layout.rejects} says which and why"
            )

    def _finish(
        self, spec: Mapping[str, Any], plan: Plan, own: Counts, progress: ProgressTracker
    ) -> Summary:
        """Put everything together."""
        layout = self._layout
        numbers = sorted(self._records)
        assert numbers == list(range(len(numbers)))
        if not numbers and not layout.one_file:
            output.write_part(layout, 0, plan.columns.empty_table())
        output.assemble(layout, numbers, plan.columns)
        output.assemble_rejects(layout)
        counts = sum((record.counts for record in self._records.values()), Counts())
        manifest.save(
            layout,
            spec,
            self._job.model,
            manifest.FINISHED,
            counts=counts.to_dict(),
            shards=[self._records[number].to_dict() for number in numbers],
        )
        self._clean()
        rejects = str(layout.rejects) if counts.rejected else None
        return Summary(
            str(layout.output), counts, len(numbers), self._resumed, own, progress.seconds, rejects
        )

    def _clean(self) -> None:
        """Remove what the finished output and manifest have."""
        for number in self._records:
            self._layout.record(number).unlink(missing_ok=True)
            self._layout.rejects_part(number).unlink(missing_ok=True)
            if self._layout.one_file:
                self._layout.part(number).unlink(missing_ok=True)

    def _already_finished(self, scanned: Iterator[tuple[Shard, Chunk]]) -> Summary:
        """See that a finished job is still that, and say what it came to."""
        assert self._previous is not None
        layout = self._layout
        done = [Record.from_dict(record) for record in self._previous["shards"]]
        self._records = {record.shard.number: record for record in done}
        if layout.one_file:
            whole = layout.output.is_file()
        else:
            whole = all(layout.part(number).is_file() for number in self._records)
        if not whole:
            raise InputError(
                f"{layout.manifest} says that the job is finished, but its output is gone; make it"
                " again by --restart"
            )
        progress = ProgressTracker(None, None)
        for _ in self._pending(scanned, progress):
            raise AssertionError("a finished job has every shard")
        self._clean()
        counts = Counts(**self._previous["counts"])
        rejects = str(layout.rejects) if counts.rejected else None
        shards = len(self._records)
        return Summary(str(layout.output), counts, shards, shards, Counts(), 0.0, rejects)


def _check(job: Job, how: How) -> None:
    """Refuse a run that can't be, before anything is read."""
    if how.on not in BACKENDS:
        raise InputError(f"on is {how.on!r}, expected one of {', '.join(BACKENDS)}")
    if job.shard_rows < 1:
        raise InputError(f"shard_rows is {job.shard_rows}, expected at least 1")
    if not job.inputs:
        raise InputError("no input is given, expected files, directories, patterns, or -")
    if STDIN in job.inputs and how.on != "local" and how.spool is None:
        raise InputError(f"standard input can't be read by {how.on}'s workers; give --spool DIR")


def check_job(job: Job) -> None:
    """Refuse a task with options or texts that it has no use for, or without those it needs.

    Raises: InputError: it says which.
    """
    if job.task not in JOB_TASKS:
        raise InputError(f"task is {job.task!r}, expected one of {', '.join(JOB_TASKS)}")
    task = JOB_TASKS[job.task]
    strange = sorted({*job.options} - task.options)
    if strange:
        raise InputError(
            f"{job.task} has no option {strange[0]!r}; it has {', '.join(sorted(task.options))}"
        )
    paired = job.pair is not None or job.pair_column is not None
    if task.pairs is False and paired:
        raise InputError(f"{job.task} reads one text of each row, but a second one is given")
    if task.pairs and not paired:
        raise InputError(f"{job.task} reads pairs: give a text for all rows, or a column of them")
    if job.pair is not None and job.pair_column is not None:
        raise InputError("a text for all rows and a column of them are given, expected one of both")


def _find_input(job: Job, how: How) -> tuple[Job, tuple[InputFile, ...]]:
    """Find the input's files, and name everything as any working directory understands it."""
    job = replace(job, model=str(absolute_source(job.model)))
    if STDIN not in job.inputs:
        return job, files.find_files(job.inputs, job.input_format)
    if len(job.inputs) > 1:
        raise InputError("standard input (-) is given beside files, expected it alone")
    if how.spool is not None:
        path = spool_stdin(how.spool, how.stream, job.input_format or "lines", how.say)
        return job, files.find_files([str(path)], job.input_format or "lines")
    return job, (files.standard_input(job.input_format),)


def _check_overlap(layout: OutputLayout, found: tuple[InputFile, ...]) -> None:
    """Refuse an output among the input."""
    for file in found:
        path = Path(file.path)
        if (
            path == layout.output
            or layout.output in path.parents
            or layout.state_directory in path.parents
        ):
            raise InputError(f"{path} is input and lies in the output; name another output")
