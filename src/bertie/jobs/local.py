"""Shards done in this process: one is read and one written while another is computed."""

import time
from collections.abc import Iterator
from typing import Any

from bertie.calls.prefetching import prefetch
from bertie.jobs.chunk import Chunk
from bertie.jobs.computation import OnRows, ShardResult
from bertie.jobs.manifest import Record
from bertie.jobs.plan import Plan
from bertie.jobs.shards import Shard
from bertie.jobs.worker import Worker


def run_shards(
    plan: Plan, shards: Iterator[tuple[Shard, Chunk]], on_rows: OnRows
) -> Iterator[Record]:
    """Do shards as they are read.

    Args:
        shards: with what was read of them.
        on_rows: told of every call's rows and tokens.
    Returns: an iterator over what is finished, in order.
    """
    worker = Worker(plan)

    def prepare(loaded: tuple[Shard, Chunk]) -> tuple[Shard, Any, Chunk]:
        shard, chunk = loaded
        return shard, *worker.prepare(chunk)

    def compute(ready: tuple[Shard, Any, Chunk]) -> tuple[Shard, ShardResult, float]:
        shard, table, chunk = ready
        start = time.monotonic()
        return shard, worker.compute(table, chunk, on_rows), time.monotonic() - start

    for shard, result, seconds in prefetch(shards, prepare, compute):
        yield worker.store(shard, result, seconds)
