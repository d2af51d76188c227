"""Requests become batches: who is first, who shares, who is late, who went away."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import CheckpointError, DeadlineExceeded, InputError, Overloaded, ServerError
from bertie.server.scheduling.inference import InferenceRequest
from bertie.server.scheduling.service import Service
from tests.server.scheduling.conftest import batch_sizes, embed, paused_worker, run, serving, until
from tests.timeouts import TIMEOUT

# Tokens of one of these texts, and a budget that two of them don't fit into.
ONE, SMALL = 4, 6


def start(service: Service, *texts: str, **others: Any) -> asyncio.Task[Any]:
    """Start a request."""
    return asyncio.create_task(embed(service, *texts, **others))


async def queued(service: Service, count: int) -> None:
    """Wait until so many inputs are in the queue or with the worker."""
    await until(
        lambda: (s := service.state()).waiting_inputs + s.running_inputs == count,
    )


def test_the_higher_priority_is_computed_first(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, batch_tokens=SMALL) as service:
            done: list[str] = []
            with paused_worker(service):
                tasks = []
                for name, priority in (("a b", 0), ("c d", -1), ("e f", 0), ("g h", 5)):
                    tasks.append(start(service, name, priority=priority))
                    tasks[-1].add_done_callback(lambda _, name=name: done.append(name))
                    await queued(service, len(tasks))
            await asyncio.gather(*tasks)
            # The first two were with the worker already when the others came.
            assert done.index("g h") < done.index("e f")
            assert done[-1] in ("e f", "c d")

    run(work())


def test_requests_that_wait_share_a_batch(tiny_sentence: Path, library: Any) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            sizes = batch_sizes(service)
            with paused_worker(service):
                first = start(service, "a")
                await queued(service, 1)
                others = [start(service, f"{n}", f"{n} b") for n in range(5)]
                await queued(service, 11)
            for task in (first, *others):
                await task
            assert sizes == [1, 10]
            answers = (await others[4]).answers
            np.testing.assert_array_equal(np.stack(answers), library.embed(["4", "4 b"]))

    run(work())


def test_a_large_request_does_not_starve_a_small_one(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, batch_tokens=50) as service:
            with paused_worker(service):
                large = start(service, *(f"{n} and {n + 1}" for n in range(200)))
                await queued(service, 200)
                small = start(service, "a")
                await queued(service, 201)
            await small
            assert not large.done()
            assert len((await large).answers) == 200

    run(work())


def test_what_is_late_is_answered_at_once_and_never_computed(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            with pytest.raises(DeadlineExceeded, match="over when it came"):
                await embed(service, "a", deadline=time.monotonic() - 1)
            sizes = batch_sizes(service)
            with paused_worker(service):
                first = start(service, "a")
                await queued(service, 1)
                with pytest.raises(DeadlineExceeded):
                    await embed(service, "b", "c", deadline=time.monotonic() + 0.1)
                assert service.state().waiting_inputs == 0
            await first
            await embed(service, "d", deadline=time.monotonic() + TIMEOUT)
            assert sizes == [1, 1]

    run(work())


def test_a_client_that_went_away_costs_nothing_further(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            sizes = batch_sizes(service)
            with paused_worker(service):
                first = start(service, "a")
                await queued(service, 1)
                gone = start(service, "b", "c")
                await queued(service, 3)
                gone.cancel()
                await queued(service, 1)
                assert service.state().requests == 1
            await first
            await embed(service, "d")
            assert sizes == [1, 1]

    run(work())


def test_identical_inputs_are_computed_once_for_all(tiny_sentence: Path, library: Any) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            sizes = batch_sizes(service)
            with paused_worker(service):
                tasks = [start(service, "the same", "the same", f"own {n}") for n in range(4)]
                await queued(service, 5)
                tasks[0].cancel()
            for n, task in enumerate(tasks[1:], start=1):
                expected = library.embed(["the same", "the same", f"own {n}"])
                np.testing.assert_array_equal(np.stack((await task).answers), expected)
            assert sizes == [5]

    run(work())


def test_remembered_answers_are_not_computed_again(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, cache_bytes=10**6) as service:
            first = await embed(service, "a", "b")
            sizes = batch_sizes(service)
            again = await embed(service, "b", "a")
            np.testing.assert_array_equal(np.stack(first.answers[::-1]), np.stack(again.answers))
            assert sizes == []
            other = InferenceRequest("tiny", "embed", ("a",), (("normalize", False),))
            await service.infer(other)
            assert sizes == [1]
            state = service.state()
            assert (state.cache_hits, state.cache_misses, state.cache_answers) == (2, 3, 3)

    run(work())


def test_misses_of_a_cache_that_holds_nothing_are_counted(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, cache_bytes=1) as service:
            await embed(service, "a", "b")
            state = service.state()
            assert (state.cache_hits, state.cache_misses, state.cache_answers) == (0, 2, 0)

    run(work())


def test_a_request_that_does_not_fit_is_refused_whole(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, queue_inputs=8) as service:
            sizes = batch_sizes(service)
            with paused_worker(service):
                first = start(service, *"abcdef")
                await queued(service, 6)
                with pytest.raises(Overloaded, match="6 inputs are waiting") as refused:
                    await embed(service, *"uvwxyz")
                assert refused.value.retry_after > 0
                state = service.state()
                assert (state.requests, state.refused) == (1, 1)
            await first
            await embed(service, *"uvwxyz")
            assert sum(sizes) == 12

    run(work())


def test_an_input_that_makes_a_batch_fail_fails_alone(poisoned: Path) -> None:
    async def work() -> None:
        options: dict[str, Any] = {"task": "classify", "precision": "float32"}
        async with serving(models={"tiny": (poisoned, options)}) as service:
            sizes = batch_sizes(service)
            good = [InferenceRequest("tiny", "classify", (f"{n}", f"stone {n}")) for n in range(6)]
            bad = InferenceRequest("tiny", "classify", ("stone", "水"))
            with paused_worker(service):
                first = asyncio.create_task(service.infer(good[0]))
                await queued(service, 2)
                tasks = [asyncio.create_task(service.infer(one)) for one in (*good[1:], bad)]
                await queued(service, 14)
            await first
            *fine, failed = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(len(one.answers) == 2 for one in fine)
            assert isinstance(failed, CheckpointError)
            assert "NaN" in str(failed)
            assert sizes == [2, 12]
            await service.infer(good[0])

    run(work())


def test_an_option_that_can_not_be_is_the_callers_error(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            request = InferenceRequest("tiny", "embed", ("a", "b"), (("output", "float7"),))
            with pytest.raises(InputError, match="output is 'float7'"):
                await service.infer(request)

    run(work())


def test_what_can_not_be_sent_fails_and_the_worker_lives(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            odd = InferenceRequest("tiny", "embed", ("a",), (("ranges", lambda: None),))
            with pytest.raises(ServerError, match="can't be sent to a worker"):
                await service.infer(odd)
            assert len((await embed(service, "a")).answers) == 1
            assert service.state().workers[0].restarts == 0

    run(work())


def test_an_observer_that_fails_keeps_nobody_from_their_answers(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            service.observers.append(lambda event: 1 / 0)
            assert len((await embed(service, "a")).answers) == 1

    run(work())


def test_asking_whether_it_is_ready_measures_nothing(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            assert (await service.ready()).ready
            assert service.state().tokens_per_second == 0

    run(work())
