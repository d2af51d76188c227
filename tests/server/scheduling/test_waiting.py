"""Who waits comes to turn by priority, and within one by what was asked before and with it."""

from hypothesis import given
from hypothesis import strategies as st

from bertie.server.scheduling.unit import Group, Lane, Stage, Unit
from bertie.server.scheduling.waiting import Waiting

GROUP = Group(("m", 1), "embed", ())
OTHER = Group(("m", 1), "embed", (("normalize", False),))


def ask(
    waiting: Waiting, name: str, *costs: int, priority: int = 0, group: Group = GROUP
) -> list[Unit]:
    """Let the inputs of one request wait, as the scheduler does."""
    lane, tag, units = waiting.lane(group, "f"), waiting.clock, []
    for number, cost in enumerate(costs):
        tag += cost
        units.append(Unit(lane, (name, number), cost, priority, tag))
        waiting.push(units[-1])
    return units


def order(waiting: Waiting, budget: int = 1) -> list[str]:
    """Take everything, and say whose turn it was."""
    names = []
    while (unit := waiting.head()) is not None:
        for taken in waiting.take(unit.lane, budget):
            names.append(taken.input[0])
            waiting.forget(taken)
    return names


def test_the_higher_priority_is_first() -> None:
    waiting = Waiting()
    ask(waiting, "low", 1, 1)
    ask(waiting, "high", 9, 9, priority=1)
    ask(waiting, "lowest", 1, priority=-1)
    assert order(waiting) == ["high", "high", "low", "low", "lowest"]


def test_a_short_request_overtakes_the_rest_of_a_long_one() -> None:
    waiting = Waiting()
    ask(waiting, "long", *[10] * 6)
    first = waiting.head()
    assert first is not None
    for unit in waiting.take(first.lane, 20):
        waiting.forget(unit)
    ask(waiting, "short", 5, 5)
    assert order(waiting) == ["short", "short", "long", "long", "long", "long"]


def test_a_long_input_is_not_overtaken_for_ever() -> None:
    waiting = Waiting()
    ask(waiting, "long", 100)
    taken = []
    for number in range(50):
        ask(waiting, f"short {number}", 10)
        unit = waiting.head()
        assert unit is not None
        taken += [one.input[0] for one in waiting.take(unit.lane, 10)]
    assert "long" in taken[:12]


def test_a_batch_is_of_one_group_and_within_the_budget() -> None:
    waiting = Waiting()
    ask(waiting, "a", 4, 4, 4)
    ask(waiting, "b", 3, group=OTHER)
    ask(waiting, "a too", 4)
    unit = waiting.head()
    assert unit is not None
    assert [one.input[0] for one in waiting.take(unit.lane, 8)] == ["b"]
    unit = waiting.head()
    assert unit is not None
    assert [one.input[0] for one in waiting.take(unit.lane, 8)] == ["a", "a too"]
    assert waiting.tokens == 8


def test_an_input_beyond_the_budget_is_alone() -> None:
    waiting = Waiting()
    ask(waiting, "huge", 50)
    ask(waiting, "huge too", 51)
    lane = waiting.lane(GROUP, "f")
    assert [len(waiting.take(lane, 10)) for _ in range(3)] == [1, 1, 0]


def test_the_withdrawn_are_not_taken_and_not_counted() -> None:
    waiting = Waiting()
    units = ask(waiting, "gone", 5, 5, 5)
    ask(waiting, "here", 7)
    for unit in units:
        waiting.withdraw(unit)
        assert unit.stage is Stage.GONE
    assert (waiting.inputs, waiting.tokens) == (1, 7)
    assert order(waiting) == ["here"]
    assert waiting.lanes() == []


def test_a_unit_that_is_hastened_is_taken_once_and_sooner() -> None:
    waiting = Waiting()
    ask(waiting, "before", 1, 1)
    (unit,) = ask(waiting, "after", 50)
    waiting.hasten(unit, 3, 50)
    waiting.hasten(unit, 0, 50)
    assert order(waiting) == ["after", "before", "before"]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(-2, 2)), max_size=30))
def test_everything_is_taken_once(asked: list[tuple[int, int]]) -> None:
    waiting = Waiting()
    for number, (cost, priority) in enumerate(asked):
        ask(waiting, str(number), cost, priority=priority)
    assert sorted(order(waiting, 30)) == sorted(map(str, range(len(asked))))
    assert (waiting.inputs, waiting.tokens) == (0, 0)


def test_a_lane_without_units_is_forgotten() -> None:
    waiting = Waiting()
    (unit,) = ask(waiting, "one", 1)
    assert isinstance(waiting.lane(GROUP, "f"), Lane)
    waiting.take(unit.lane, 1)
    assert waiting.lanes() == [unit.lane]
    waiting.forget(unit)
    assert waiting.lanes() == []
