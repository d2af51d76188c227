"""The map step of a job for tables that somebody else moves: Ray Data, Spark, or a loop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertie.jobs.arrow import pa
from bertie.jobs.chunk import Chunk
from bertie.jobs.columns import input_columns, output_columns
from bertie.jobs.computation import compute_shard
from bertie.jobs.job import Job
from bertie.jobs.model import JobModel, ModelIdentity, identify
from bertie.jobs.run import check_job
from bertie.jobs.tasks import JOB_TASKS

REJECTED = "rejected"


@dataclass(frozen=True)
class Mapper:
    """Adds a task's columns to Arrow tables, the model loaded once a process.

    Rows that can't be answered stay in their place, with nulls; the column `rejected` says why.

    Attributes:
        task: a key of bertie.jobs.tasks.JOB_TASKS.
        model: as for bertie.load.
        column: the column that holds the text.
        pair, pair_column: a text that goes with every row's, or the column of such texts.
        options: the keyword arguments of the task's method.
        load: bertie.load's options.
        identity: of the model where the mapper was made, so that it computes alike everywhere.
    """

    task: str
    model: str = "minilm"
    column: str = "text"
    pair: str | None = None
    pair_column: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    identity: ModelIdentity | None = None

    def settled(self) -> "Mapper":
        """Settle the model and the precision here, for every process that the mapper goes to.

        Raises: InputError: the task or an option can't be.
        Raises: as bertie.load.
        """
        return Mapper(**{**self.__dict__, "identity": identify(self._job)})

    def schema(self, schema: Any) -> Any:
        """Give the columns of what the mapper makes of a table with these.

        Raises: InputError: a column is missing or isn't text, or one has an answer's name.
        """
        read = input_columns(self._job, schema, "the table")
        added = _fields(self._job, self.identity or identify(self._job))
        return output_columns(self._job, read, [*added, pa.field(REJECTED, pa.string())])

    def __call__(self, table: Any, threads: int | None = None) -> Any:
        """Answer the rows of a table.

        Args:
            table: a pyarrow.Table.
            threads: the most cores to use; None takes load's word, else all.
        Returns: the table with the task's columns and `rejected`.
        Raises: as schema, and what isn't the fault of a row.
        """
        given, table = table, self._with_texts(table)
        schema = self.schema(table.schema)
        numbers = [(number, 0) for number in range(table.num_rows)]
        columns = pa.schema(list(schema)[:-1])
        model = _model(self, threads)
        done = compute_shard(model, self._job, columns, table, Chunk(table, numbers, []))
        reasons = {bad.number: bad.reason for bad in done.rejects}
        positions = iter(range(done.table.num_rows))
        order = [None if row in reasons else next(positions) for row, _ in numbers]
        answers = done.table.select(range(table.num_columns, len(columns)))
        answers = answers.take(pa.array(order, pa.int64()))
        for name in answers.column_names:
            given = given.append_column(columns.field(name), answers.column(name))
        rejected = pa.array([reasons.get(row) for row, _ in numbers], pa.string())
        return given.append_column(REJECTED, rejected)

    def _with_texts(self, table: Any) -> Any:
        """Read a column of nulls alone as one of texts: what a block of many rows may have."""
        for index, one in enumerate(table.schema):
            if one.name in (self.column, self.pair_column) and pa.types.is_null(one.type):
                texts = pa.nulls(table.num_rows, pa.string())
                table = table.set_column(index, one.name, texts)
        return table

    @property
    def _job(self) -> Job:
        """The job whose step this is."""
        job = Job(
            self.task,
            ("-",),
            Path("-"),
            self.model,
            self.load,
            self.options,
            self.column,
            self.pair,
            self.pair_column,
        )
        check_job(job)
        return job


def _fields(job: Job, identity: ModelIdentity) -> list[Any]:
    """Give the columns that a task adds."""
    return JOB_TASKS[job.task].fields(identity.dimensions, job.options)


# The model that this process has, by its mapper.
_models: dict[str, JobModel] = {}


def _model(mapper: Mapper, threads: int | None) -> JobModel:
    """Find this process's model, or load it."""
    key = repr((mapper, threads))
    if key not in _models:
        _models.clear()
        job = mapper._job
        _models[key] = JobModel(job, mapper.identity or identify(job), threads)
    return _models[key]


def map_batches(
    mapper: Mapper, batches: Iterator[Any], names: list[str], added: list[Any], threads: int
) -> Iterator[Any]:
    """Map record batches for Spark.

    Args:
        names: of their columns.
        added: the columns that the mapper adds, of types that Spark knows.
    """
    for batch in batches:
        given = pa.Table.from_batches([batch]).rename_columns(names)
        found = mapper(given, threads)
        for one in added:
            given = given.append_column(one, found.column(one.name).cast(one.type))
        yield from given.to_batches()
