"""The queue: which unit is next, and which others share its batch.

Within a priority units go by the tag that self-clocked fair queueing gives them: the clock, which
is the tag of the batch last taken, plus the tokens of the request up to and with the unit. A short
request overtakes a long one, a long one is interleaved with those that come after its beginning,
and none waits for more than was asked in the meantime: the clock only grows.

Source: Golestani, A self-clocked fair queueing scheme for broadband applications, INFOCOM 1994.
"""

from heapq import heappop, heappush
from itertools import count

from bertie.server.scheduling.unit import Group, Lane, Stage, Unit


class Waiting:
    """The units that wait.

    Attributes:
        inputs: how many wait.
        tokens: of all of them.
        clock: the tag of the batch last taken.
    """

    def __init__(self) -> None:
        self.inputs = 0
        self.tokens = 0
        self.clock = 0
        self._lanes: dict[Group, Lane] = {}
        self._arrivals = count()

    def lane(self, group: Group, fingerprint: str) -> Lane:
        """Find or make the lane of a group, whose model has that fingerprint."""
        return self._lanes.get(group) or Lane(group, fingerprint)

    def push(self, unit: Unit) -> None:
        """Let a unit wait."""
        lane = unit.lane
        heappush(lane.waiting, (-unit.priority, unit.tag, next(self._arrivals), unit))
        unit.stage = Stage.WAITING
        if not lane.flights:
            self._lanes[lane.group] = lane
        lane.flights[unit.input] = unit
        self.inputs += 1
        self.tokens += unit.tokens

    def hasten(self, unit: Unit, priority: int, tag: int) -> None:
        """Give a waiting unit a better place, where it has a worse one."""
        if (-priority, tag) < (-unit.priority, unit.tag):
            unit.priority, unit.tag = priority, tag
            heappush(unit.lane.waiting, (-priority, tag, next(self._arrivals), unit))

    def head(self) -> Unit | None:
        """Give the unit that is next, without taking it."""
        firsts = (_first(lane.waiting) for lane in self._lanes.values())
        return min(
            (unit for unit in firsts if unit is not None),
            key=lambda unit: (-unit.priority, unit.tag),
            default=None,
        )

    def take(self, lane: Lane, budget: int) -> list[Unit]:
        """Take the next units of a lane.

        Args:
            lane: that of the unit that is next.
            budget: the most tokens; a longer unit is taken alone.
        """
        taken: list[Unit] = []
        tokens = 0
        while (unit := _first(lane.waiting)) is not None:
            if taken and tokens + unit.tokens > budget:
                break
            heappop(lane.waiting)
            if not taken:
                self.clock = max(self.clock, unit.tag)
            unit.stage = Stage.RUNNING
            tokens += unit.tokens
            taken.append(unit)
        self.inputs -= len(taken)
        self.tokens -= tokens
        return taken

    def withdraw(self, unit: Unit) -> None:
        """Let go of a unit that nobody wants any more, waiting or not."""
        if unit.stage is Stage.WAITING:
            self.inputs -= 1
            self.tokens -= unit.tokens
        self.forget(unit)

    def forget(self, unit: Unit) -> None:
        """Let go of a unit that is computed."""
        unit.stage = Stage.GONE
        lane = unit.lane
        if lane.flights.get(unit.input) is unit:
            del lane.flights[unit.input]
            if not lane.flights:
                self._lanes.pop(lane.group, None)

    def lanes(self) -> list[Lane]:
        """List the lanes that have units."""
        return list(self._lanes.values())


def _first(heap: list[tuple[int, int, int, Unit]]) -> Unit | None:
    """Find the first unit of a heap that waits still, and has not been given a better place."""
    while heap:
        priority, tag, _, unit = heap[0]
        if unit.stage is Stage.WAITING and (-unit.priority, unit.tag) == (priority, tag):
            return unit
        heappop(heap)
    return None
