"""Shards done in this process: one is read and one written while another is computed."""

import time
from collections.abc import Iterator
from typing import Any

from bertie.calls.prefetching import prefetch
from bertie.jobs.content import Content
from bertie.jobs.manifest import Record
from bertie.jobs.plan import Plan, Worker
from bertie.jobs.shards import Shard
from bertie.jobs.work import Tick, Worked


def drive(plan: Plan, shards: Iterator[tuple[Shard, Content]], tick: Tick) -> Iterator[Record]:
    """Do shards as they are read.

    Args:
        shards: with what was read of them.
        tick: told of every call's rows and tokens.
    Returns: an iterator over what is finished, in order.
    """
    worker = Worker(plan)

    def prepare(one: tuple[Shard, Content]) -> tuple[Shard, Any, Content]:
        shard, content = one
        return shard, *worker.prepare(content)

    def compute(ready: tuple[Shard, Any, Content]) -> tuple[Shard, Worked, float]:
        shard, table, content = ready
        start = time.monotonic()
        return shard, worker.work(table, content, tick), time.monotonic() - start

    for shard, worked, seconds in prefetch(shards, prepare, compute):
        yield worker.store(shard, worked, seconds)
