"""More requests than a server can answer, each timed by what became of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

_TIMEOUT = 60.0  # seconds after which a request counts as stuck


@dataclass
class Outcome:
    """What became of requests.

    Attributes:
        sent: how many.
        statuses: by HTTP's status; 0 where no response came.
        refused_s: seconds until each 429.
        accepted_s: seconds until each 200.
        wrong: accepted requests whose answer isn't the right one.
        seconds: how long requests were sent.
        good: inputs of accepted requests that were answered while they were.
    """

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    refused_s: list[float] = field(default_factory=list)
    accepted_s: list[float] = field(default_factory=list)
    wrong: int = 0
    seconds: float = 0.0
    good: int = 0


async def flood(
    url: str,
    bodies: Sequence[Mapping[str, Any]],
    *,
    per_second: float,
    seconds: float,
    right: Callable[[int, Any], bool],
    inputs: int,
) -> Outcome:
    """Send requests at a steady rate, whatever becomes of them.

    Args:
        url, bodies: where to, and what, in turn.
        per_second: requests.
        seconds: how long.
        right: whether a response's body is what the body of that number should be answered.
        inputs: of each request.
    """
    outcome = Outcome()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=512)
    async with httpx.AsyncClient(limits=limits, timeout=_TIMEOUT) as http:
        start = time.perf_counter()

        async def one(number: int) -> None:
            begun = time.perf_counter()
            try:
                response = await http.post(url, json=bodies[number])
            except httpx.HTTPError:
                outcome.statuses[0] += 1
                return
            now = time.perf_counter()
            outcome.statuses[response.status_code] += 1
            if response.status_code == 429:
                outcome.refused_s.append(now - begun)
            elif response.status_code == 200:
                outcome.accepted_s.append(now - begun)
                outcome.wrong += not right(number, response.json())
                outcome.good += inputs * (now - start <= seconds)

        tasks = []
        while (passed := time.perf_counter() - start) < seconds:
            due = int(passed * per_second) + 1
            while outcome.sent < due:
                tasks.append(asyncio.create_task(one(outcome.sent % len(bodies))))
                outcome.sent += 1
            await asyncio.sleep(0.002)
        outcome.seconds = time.perf_counter() - start
        await asyncio.gather(*tasks)
    return outcome
