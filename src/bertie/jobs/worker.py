"""A worker: it does any shard of a plan, one after another, with one model."""

import json
import time
import warnings
from typing import Any

from bertie.errors import InputError, TruncationWarning
from bertie.jobs import output
from bertie.jobs.chunk import Chunk
from bertie.jobs.columns import as_table
from bertie.jobs.computation import OnRows, ShardResult, compute_shard
from bertie.jobs.manifest import Record
from bertie.jobs.model import JobModel
from bertie.jobs.plan import Plan
from bertie.jobs.shards import InputReader, Shard
from bertie.system.disk import write_file


class Worker:
    """Does shards of a plan, with one model."""

    def __init__(self, plan: Plan, threads: int | None = None) -> None:
        """Load the model.

        Args:
            threads: the most cores to use; None takes the job's number.
        Raises: InputError: it is another model here, another instruction set, or an option of the
            call can't be.
        Raises: as bertie.load.
        """
        self._plan = plan
        self._model = JobModel(plan.job, plan.identity, threads)
        if self._model.isa != plan.identity.isa and not plan.any_isa:
            raise InputError(
                f"the CPU here computes with {self._model.isa}, but the job was started with"
                f" {plan.identity.isa}: vectors may differ in their last bits; --allow-other-isa"
                " lets them, and notes it by shard"
            )
        self._model.compute([])
        self._input = InputReader(plan.files, plan.job)

    def prepare(self, chunk: Chunk) -> tuple[Any, Chunk]:
        """Make an Arrow table of what was read."""
        return as_table(self._plan.job, self._plan.schema, chunk)

    def compute(self, table: Any, chunk: Chunk, on_rows: OnRows | None = None) -> ShardResult:
        """Answer a shard's rows."""
        plan = self._plan
        return compute_shard(self._model, plan.job, plan.columns, table, chunk, on_rows)

    def store(self, shard: Shard, result: ShardResult, seconds: float) -> Record:
        """Write a shard's output, its rejected rows, and last that it is finished.

        Raises: InputError: the disk refuses it.
        """
        layout = self._plan.layout
        size = output.write_part(layout, shard.number, result.table)
        name = self._plan.files[shard.file].path
        output.write_rejects(layout, shard.number, name, result.rejects)
        record = Record(shard, result.counts, self._model.isa, size, seconds)
        write_file(layout.record(shard.number), json.dumps(record.to_dict()).encode())
        return record

    def run(self, shard: Shard) -> Record:
        """Read a shard, answer it and write it.

        Raises: InputError: the input changed, or the disk refuses the output.
        """
        start = time.monotonic()
        table, chunk = self.prepare(self._input.fetch(shard))
        with warnings.catch_warnings():  # the record has the counts
            warnings.simplefilter("ignore", TruncationWarning)
            result = self.compute(table, chunk)
        return self.store(shard, result, time.monotonic() - start)
