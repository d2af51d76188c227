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
from bertie.errors import ExtraMissing
from bertie.jobs import manifest
from bertie.jobs.arrow import pa
from bertie.jobs.content import Content
from bertie.jobs.elsewhere import errors_from_elsewhere
from bertie.jobs.manifest import Record
from bertie.jobs.mapping import Mapper, batches_of
from bertie.jobs.plan import Plan, Worker
from bertie.jobs.shards import Shard

try:
    from pyspark import SparkConf, SparkContext, TaskContext
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
except ImportError as error:
    raise ExtraMissing("running on Spark needs it: pip install 'bertie[spark]'") from error

_MOST_TASKS = 10_000
_TRIES = 4  # of a task, as on a cluster
_LOOK_EVERY = 0.5  # seconds between looks at what is finished

# The worker that this Python process of an executor has, by its job.
_workers: dict[str, Worker] = {}


def drive(
    plan: Plan, shards: Iterator[tuple[Shard, Content]], workers: int | None
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
        _doing(plan, pending), "record string"
    )
    seen: set[int] = set()
    with errors_from_elsewhere(), ThreadPoolExecutor(1, "bertie-spark") as waiting:
        finished = waiting.submit(frame.collect)
        try:
            while not _wait(finished):
                for number, record in manifest.records(plan.place, seen).items():
                    seen.add(number)
                    yield record
        except BaseException:  # the caller has given up
            session.sparkContext.cancelAllJobs()
            raise
        for row in finished.result():
            record = Record.of(json.loads(row.record))
            if record.shard.number not in seen:
                yield record


def _wait(finished: "Future[Any]") -> bool:
    """Wait a little for the end. Returns: whether it has come."""
    end = time.monotonic() + _LOOK_EVERY
    while not finished.done() and time.monotonic() < end:
        time.sleep(_LOOK_EVERY / 10)
    return finished.done()


def _doing(plan: Plan, pending: list[Shard]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Make the map step: places among the shards to records of what is finished."""

    def do(batches: Iterator[Any]) -> Iterator[Any]:
        worker = _worker(plan)
        for batch in batches:
            for place in batch.column(0).to_pylist():
                record = json.dumps(worker.do(pending[place]).to_dict())
                yield pa.RecordBatch.from_pydict({"record": [record]})

    return do


def mapped(frame: Any, mapper: Mapper) -> Any:
    """Have a frame's batches mapped by tasks; bertie.jobs.mapping.spark_map describes it."""
    schema = pa.schema(
        [
            pa.field(one.name, _known(one.type))
            for one in mapper.schema(to_arrow_schema(frame.schema))
        ]
    )

    def do(batches: Iterator[Any]) -> Iterator[Any]:
        yield from batches_of(mapper, batches, schema, mapper.load.get("threads") or cores())

    return frame.mapInArrow(do, from_arrow_schema(schema))


def _known(kind: Any) -> Any:
    """Give the type that Spark has for one of Arrow's."""
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(_known(kind.value_type))
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
            builder.master(f"local[{every},{_TRIES}]")
            .config("spark.task.cpus", max(every // (workers or 1), 1))
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
