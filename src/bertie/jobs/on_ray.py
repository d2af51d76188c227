"""Shards done by a pool of actors on a Ray cluster, through Ray Data."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bertie.errors import ExtraMissing
from bertie.jobs.chunk import Chunk
from bertie.jobs.manifest import Record, shard_from_dict
from bertie.jobs.mapping import Mapper
from bertie.jobs.plan import Plan
from bertie.jobs.remote_errors import unwrapped_errors
from bertie.jobs.shards import Shard
from bertie.jobs.worker import Worker

try:
    import ray
    import ray.data
except ImportError as error:
    raise ExtraMissing("running on Ray needs it: pip install 'bertie[ray]'") from error

_MOST_BLOCKS = 10_000  # tasks that Ray Data keeps in sight at once


def run_shards(
    plan: Plan, shards: Iterator[tuple[Shard, Chunk]], workers: int | None
) -> Iterator[Record]:
    """Have shards done by actors, each with a model of its own, which read the input themselves.

    Args:
        shards: that are to be done.
        workers: how many actors; None: one a machine. They share the machines' cores out.
    Returns: an iterator over what is finished, in any order.
    """
    pending = [{"shard": json.dumps(asdict(shard))} for shard, _ in shards]
    if not pending:
        return
    connect()
    count, cores, _ = pool(workers)
    threads = plan.job.load.get("threads") or cores
    with unwrapped_errors():
        done = ray.data.from_items(
            pending, override_num_blocks=min(len(pending), _MOST_BLOCKS)
        ).map_batches(
            _ShardActor,
            fn_constructor_args=(plan, threads),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=min(count, len(pending))),
            num_cpus=cores,
        )
        for row in done.iter_rows():
            yield Record.from_dict(json.loads(row["record"]))


class _ShardActor:
    """A process on some machine that does shards, the model loaded once."""

    def __init__(self, plan: Plan, threads: int) -> None:
        self._plan = plan
        self._threads = threads
        self._worker: Worker | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Do the shards of a batch."""
        if self._worker is None:  # here, for what fails in a constructor is tried for ever
            self._worker = Worker(self._plan, self._threads)
        done = [self._worker.run(shard_from_dict(json.loads(said))) for said in batch["shard"]]
        return {"record": [json.dumps(record.to_dict()) for record in done]}


def map_dataset(dataset: Any, mapper: Mapper, workers: int | None) -> Any:
    """Have a dataset's tables mapped by actors; bertie.jobs.ray_map describes it."""
    connect()
    count, cores, held = pool(workers)
    threads = mapper.load.get("threads") or cores
    return dataset.map_batches(
        _MapActor,
        fn_constructor_args=(mapper, threads),
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=count),
        num_cpus=held,
        scheduling_strategy="SPREAD",  # by what it holds, more than one might fit a machine
    )


class _MapActor:
    """A process on some machine that maps tables, the model loaded once."""

    def __init__(self, mapper: Mapper, threads: int) -> None:
        self._mapper = mapper
        self._threads = threads

    def __call__(self, table: Any) -> Any:
        """Map a table."""
        return self._mapper(table, self._threads)


def connect() -> None:
    """Join the cluster that RAY_ADDRESS names, or start one on this machine."""
    if not ray.is_initialized():
        own = {} if os.environ.get("RAY_ADDRESS") else {"include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **own)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def pool(workers: int | None) -> tuple[int, int, int]:
    """Share a cluster's cores out.

    Args:
        workers: how many actors; None: one a machine.
    Returns: how many actors, the cores of each, and how many of them it may hold where a core of
        each machine is left to tasks that read and write: actors that hold all cores would wait
        for ever for what nobody can read.
    """
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node.get("Alive")]
    machines = [cores for cores in machines if cores] or [1]
    count = workers or len(machines)
    on_each = -(-count // len(machines))
    least = min(machines)
    return count, max(least // on_each, 1), (least - 1) // on_each
