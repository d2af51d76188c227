"""Shards done by Spark's tasks, through mapInArrow."""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from bertie import _core
from bertie.errors import ExtraMissing, InputError
from bertie.jobs import manifest
from bertie.jobs.arrow import pa
from bertie.jobs.chunk import Chunk
from bertie.jobs.manifest import Record
from bertie.jobs.mapping import Mapper, map_batches
from bertie.jobs.plan import Plan
from bertie.jobs.remote_errors import unwrapped_errors
from bertie.jobs.shards import Shard
from bertie.jobs.worker import Worker

try:
    from pyspark import SparkConf, SparkContext, TaskContext
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StringType, StructType
except ImportError as error:
    raise ExtraMissing("running on Spark needs it: pip install 'bertie[spark]'") from error

_MOST_TASKS = 10_000
_TASK_TRIES = 4  # of a task, as on a cluster
_POLL_SECONDS = 0.5  # between looks at what is finished

# The worker that this Python process of an executor has, by its job.
_workers: dict[str, Worker] = {}


def run_shards(
    plan: Plan, shards: Iterator[tuple[Shard, Chunk]], workers: int | None
) -> Iterator[Record]:
    """Have shards done by Spark's tasks, which read the input themselves.

    Args:
        shards: that are to be done.
        workers: how many tasks at a time where Spark runs on this machine alone; None: one, with
            all cores. On a cluster spark.task.cpus says what a task has.
    Returns: an iterator over what is finished, in any order.
    """
    pending = [shard for shard, _ in shards]
    if not pending:
        return
    session = connect(workers)
    tasks = min(len(pending), _MOST_TASKS)
    frame = session.range(0, len(pending), 1, tasks).mapInArrow(
        _shard_step(plan, pending), "record string"
    )
    seen: set[int] = set()
    with unwrapped_errors(), ThreadPoolExecutor(1, "bertie-spark") as waiting:
        finished = waiting.submit(frame.collect)
        try:
            while not _wait(finished):
                for number, record in manifest.records(plan.layout, seen).items():
                    seen.add(number)
                    yield record
        except BaseException:  # the caller has given up
            session.sparkContext.cancelAllJobs()
            raise
        for row in finished.result():
            record = Record.from_dict(json.loads(row.record))
            if record.shard.number not in seen:
                yield record


def _wait(finished: "Future[Any]") -> bool:
    """Wait a little for the end. Returns: whether it has come."""
    end = time.monotonic() + _POLL_SECONDS
    while not finished.done() and time.monotonic() < end:
        time.sleep(_POLL_SECONDS / 10)
    return finished.done()


def _shard_step(plan: Plan, pending: list[Shard]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Make the map step: indexes of the shards to records of what is finished."""

    def do(batches: Iterator[Any]) -> Iterator[Any]:
        worker = _worker(plan)
        for batch in batches:
            for index in batch.column(0).to_pylist():
                record = json.dumps(worker.run(pending[index]).to_dict())
                yield pa.RecordBatch.from_pydict({"record": [record]})

    return do


def map_frame(frame: Any, mapper: Mapper) -> Any:
    """Have a frame's batches mapped by tasks; bertie.jobs.spark_map describes it."""
    names = frame.columns
    found = mapper.schema(pa.schema([_seen_field(one, mapper) for one in frame.schema.fields]))
    added = [pa.field(one.name, _spark_type(one.type)) for one in list(found)[len(names) :]]
    if frame.sparkSession.conf.get("spark.sql.caseSensitive") != "true":
        _check_case(names, [one.name for one in added])

    def do(batches: Iterator[Any]) -> Iterator[Any]:
        threads = mapper.load.get("threads") or cores()
        yield from map_batches(mapper, batches, names, added, threads)

    columns = [*frame.schema.fields, *from_arrow_schema(pa.schema(added)).fields]
    # Spark looks columns up by name here, and takes dots for paths, and one case for another.
    numbered = frame.toDF(*(f"column_{index}" for index in range(len(names))))
    return numbered.mapInArrow(do, StructType(columns))


def _seen_field(field: Any, mapper: Mapper) -> Any:
    """Give a column as the mapper sees it: text, or none.

    Raises: InputError: it is to be read and is no text.
    """
    is_text = isinstance(field.dataType, StringType)
    if field.name in (mapper.column, mapper.pair_column) and not is_text:
        kind = field.dataType.simpleString()
        raise InputError(f"the table: column {field.name!r} is {kind}, expected text")
    return pa.field(field.name, pa.string() if is_text else pa.null())


def _check_case(names: list[str], added: list[str]) -> None:
    """Refuse names that Spark wouldn't tell from each other."""
    for name in names:
        if name.lower() in added:
            raise InputError(
                f"a column is called {name!r}, which Spark doesn't tell from {name.lower()!r};"
                " rename it, or set spark.sql.caseSensitive"
            )


def _spark_type(kind: Any) -> Any:
    """Give the type that Spark has for one of Arrow's."""
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(_spark_type(kind.value_type))
    return {pa.float16(): pa.float32(), pa.uint8(): pa.int16()}.get(kind, kind)


def _worker(plan: Plan) -> Worker:
    """Find this process's worker, or load its model."""
    key = repr((plan.job, plan.identity, plan.files))
    if key not in _workers:
        _workers.clear()
        _workers[key] = Worker(plan, plan.job.load.get("threads") or cores())
    return _workers[key]


def cores() -> int:
    """The cores of the task that runs here."""
    context = TaskContext.get()
    return context.cpus() if context is not None else 1


def connect(workers: int | None = None) -> Any:
    """Find the session that is open, or open one: where Spark's own settings say, or here."""
    # It warns of every pandas that is newer than itself, and pandas has no part in this.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    session = SparkSession.getActiveSession()
    if session is not None:
        return session
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    SparkContext._ensure_initialized()  # until then SparkConf doesn't know what submitting said
    builder = SparkSession.builder.appName("bertie")
    if not SparkConf().contains("spark.master"):
        every = _core.available_cores()
        builder = (
            builder.master(f"local[{every},{_TASK_TRIES}]")
            .config("spark.task.cpus", max(every // (workers or 1), 1))
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
