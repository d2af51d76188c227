"""A block ends when its time is over, and otherwise as it would."""

import asyncio

import pytest

from bertie.server.http.timeout import Timeout


def test_a_block_ends_in_time_or_with_a_timeout() -> None:
    async def work() -> str:
        with Timeout(60):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), Timeout(0.01):
            await asyncio.sleep(60)
        await asyncio.sleep(0)  # the task isn't cancelled any further
        with pytest.raises(ValueError, match="own"), Timeout(60):
            raise ValueError("own")
        return "done"

    assert asyncio.run(work()) == "done"


def test_somebody_elses_cancellation_stays_one() -> None:
    async def work() -> None:
        with Timeout(60):
            await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
