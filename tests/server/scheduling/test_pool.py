"""Workers that die or fall silent fail what they held, and nothing else."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import EngineFailed
from bertie.server.scheduling.events import Event, WorkerLost
from bertie.server.scheduling.service import Service
from tests.server.scheduling.conftest import embed, paused_worker, run, serving, until
from tests.timeouts import TIMEOUT


def pids(service: Service) -> list[int | None]:
    """The workers' processes."""
    return [worker.pid for worker in service.state().workers]


def lost(service: Service) -> list[WorkerLost]:
    """Collect the workers that are lost from now on."""
    events: list[WorkerLost] = []

    def note(event: Event) -> None:
        if isinstance(event, WorkerLost):
            events.append(event)

    service.observers.append(note)
    return events


def test_a_killed_worker_fails_only_what_it_computed(tiny_sentence: Path, library: Any) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=2, batch_tokens=64) as service:
            gone = lost(service)
            failed, wrong = 0, 0
            ends = False

            async def client(name: int) -> None:
                nonlocal failed, wrong
                turn = 0
                while not ends:
                    turn += 1
                    texts = [f"{name} and {turn}", f"{turn} of {name}"]
                    try:
                        response = await embed(service, *texts)
                    except EngineFailed:
                        failed += 1
                    else:
                        expected = library.embed(texts)
                        wrong += not np.array_equal(np.stack(response.answers), expected)

            clients = [asyncio.create_task(client(name)) for name in range(16)]
            await asyncio.sleep(0.2)
            before = pids(service)
            assert before[0] is not None
            os.kill(before[0], signal.SIGKILL)
            await until(lambda: gone)
            await until(lambda: service.state().workers[0].models == ("tiny",))
            ends = True
            await asyncio.gather(*clients)
            assert wrong == 0
            assert failed <= gone[0].inputs
            assert (gone[0].worker, gone[0].pid, gone[0].stalled) == (0, before[0], False)
            state = service.state()
            assert [worker.restarts for worker in state.workers] == [1, 0]
            assert pids(service)[0] != before[0]
            assert pids(service)[1] == before[1]
            await _readied(service)

    run(work())


def test_what_a_killed_worker_had_not_begun_is_computed_by_the_next(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, batch_tokens=8) as service:
            pid = pids(service)[0]
            assert pid is not None
            with paused_worker(service):
                tasks = [asyncio.create_task(embed(service, f"{n} a b c")) for n in range(6)]
                await until(lambda: service.state().workers[0].batches == 2)
                os.kill(pid, signal.SIGKILL)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            failures = [one for one in results if isinstance(one, BaseException)]
            assert [type(one) for one in failures] == [EngineFailed]

    run(work())


def test_a_worker_that_is_held_turns_readiness_red_and_is_replaced(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, stall_s=3.0, ready_s=1.5) as service:
            gone = lost(service)
            await _readied(service)
            pid = pids(service)[0]
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            while (found := await service.ready()).ready:  # as an answer before may hold still
                await asyncio.sleep(0.1)
            assert "more than 1.5 seconds" in found.reason
            await until(lambda: gone)
            assert gone[0].stalled
            with pytest.raises(ProcessLookupError):
                await _vanished(pid)
            assert len((await embed(service, "a")).answers) == 1
            await _readied(service)

    run(work())


def test_a_batch_that_never_ends_fails_and_the_next_is_answered(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, stall_s=2.0) as service:
            await embed(service, "warm")
            pid = pids(service)[0]
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(EngineFailed, match="ask again"):
                await embed(service, "a")
            assert len((await embed(service, "a")).answers) == 1

    run(work())


def test_signals_to_all_processes_are_left_to_the_front_one(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            (pid,) = pids(service)
            assert pid is not None
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(pid, number)
            assert len((await embed(service, "a")).answers) == 1
            assert pids(service) == [pid]

    run(work())


def test_workers_end_with_the_service(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=2) as service:
            ended = [pid for pid in pids(service) if pid is not None]
        for pid in ended:
            with pytest.raises(ProcessLookupError):
                await _vanished(pid)

    run(work())


async def _readied(service: Service) -> None:
    """Wait until every worker answers."""
    while not (await service.ready()).ready:
        await asyncio.sleep(0.1)


async def _vanished(pid: int) -> None:
    """Raise ProcessLookupError once a process is gone."""
    ends = time.monotonic() + TIMEOUT
    while time.monotonic() < ends:
        os.kill(pid, 0)
        await asyncio.sleep(0.02)
