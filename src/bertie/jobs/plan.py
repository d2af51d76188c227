"""A plan: all that one worker needs to do any shard of a job, wherever it runs."""

import json
import time
import warnings
from dataclasses import dataclass
from typing import Any

from bertie.errors import InputError, TruncationWarning
from bertie.jobs import output
from bertie.jobs.columns import as_table
from bertie.jobs.content import Content
from bertie.jobs.durable import write
from bertie.jobs.engine import Engine, Identity
from bertie.jobs.files import File
from bertie.jobs.job import Job
from bertie.jobs.manifest import Record
from bertie.jobs.place import Place
from bertie.jobs.shards import Input, Shard
from bertie.jobs.work import Tick, Worked, work


@dataclass(frozen=True)
class Plan:
    """A job, settled. It pickles.

    Attributes:
        job: what was asked for.
        files: of the input.
        place: of the output.
        identity: of the model, and what it computes in.
        schema: the input's columns.
        columns: the output's.
        any_isa: whether a worker may have another instruction set than the job was started on.
    """

    job: Job
    files: tuple[File, ...]
    place: Place
    identity: Identity
    schema: Any
    columns: Any
    any_isa: bool = False


class Worker:
    """Whoever does shards of a plan, one after another, with one model."""

    def __init__(self, plan: Plan, threads: int | None = None) -> None:
        """Load the model.

        Args:
            threads: the most cores to use; None takes the job's word.
        Raises: InputError: it is another model here, another instruction set, or an option of the
            call can't be.
        Raises: as bertie.load.
        """
        self._plan = plan
        self._engine = Engine(plan.job, plan.identity, threads)
        if self._engine.isa != plan.identity.isa and not plan.any_isa:
            raise InputError(
                f"the CPU here computes with {self._engine.isa}, but the job was started with"
                f" {plan.identity.isa}: vectors may differ in their last bits; --allow-other-isa"
                " lets them, and notes it by shard"
            )
        self._engine.answer([])
        self._input = Input(plan.files, plan.job)

    def prepare(self, content: Content) -> tuple[Any, Content]:
        """Make an Arrow table of what was read."""
        return as_table(self._plan.job, self._plan.schema, content)

    def work(self, table: Any, content: Content, tick: Tick | None = None) -> Worked:
        """Answer a shard's rows."""
        plan = self._plan
        return work(self._engine, plan.job, plan.columns, table, content, tick)

    def store(self, shard: Shard, worked: Worked, seconds: float) -> Record:
        """Write a shard's output, its rejected rows, and last that it is finished.

        Raises: InputError: the disk refuses it.
        """
        place = self._plan.place
        size = output.write_part(place, shard.number, worked.table)
        name = self._plan.files[shard.file].path
        output.write_rejects(place, shard.number, name, worked.rejects)
        record = Record(shard, worked.counts, self._engine.isa, size, seconds)
        write(place.record(shard.number), json.dumps(record.to_dict()).encode())
        return record

    def do(self, shard: Shard) -> Record:
        """Read a shard, answer it and write it.

        Raises: InputError: the input changed, or the disk refuses the output.
        """
        start = time.monotonic()
        table, content = self.prepare(self._input.fetch(shard))
        with warnings.catch_warnings():  # the record has the counts
            warnings.simplefilter("ignore", TruncationWarning)
            worked = self.work(table, content)
        return self.store(shard, worked, time.monotonic() - start)
