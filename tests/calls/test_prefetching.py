"""Working ahead gives the same results in the same order, and fails when its turn comes."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.calls.prefetching import prefetch
from tests.timeouts import TIMEOUT


@given(st.lists(st.integers(), max_size=9))
def test_results_are_those_of_a_loop(items: list[int]) -> None:
    assert list(prefetch(items, str, lambda text: text + "!")) == [f"{item}!" for item in items]


def test_the_next_item_is_prepared_while_one_is_computed() -> None:
    prepared = threading.Event()

    def prepare(item: int) -> int:
        if item == 1:
            prepared.set()
        return item

    def compute(item: int) -> bool:
        return prepared.wait(timeout=TIMEOUT)

    assert list(prefetch([0, 1], prepare, compute)) == [True, True]


def test_only_computing_happens_on_another_thread() -> None:
    here = threading.get_ident()
    seen: dict[str, set[int]] = {"items": set(), "prepare": set(), "compute": set()}

    def note(place: str, item: int) -> int:
        seen[place].add(threading.get_ident())
        return item

    items = (note("items", i) for i in range(5))
    list(prefetch(items, lambda i: note("prepare", i), lambda i: note("compute", i)))
    assert seen["items"] == seen["prepare"] == {here}
    assert len(seen["compute"]) == 1
    assert here not in seen["compute"]


@pytest.mark.parametrize("place", ["items", "prepare", "compute"])
def test_a_failure_comes_after_the_results_before_it(place: str) -> None:
    def fail(where: str, item: int) -> int:
        if where == place and item == 2:
            raise KeyError(where)
        return item

    items = (fail("items", i) for i in range(4))
    results = prefetch(items, lambda i: fail("prepare", i), lambda i: fail("compute", i))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError, match=place):
        next(results)
    assert list(results) == []


def test_at_most_two_items_are_taken_before_the_first_result_is_used() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = prefetch(endless(), int, int)
    assert taken == 0
    next(results)
    assert taken == 2
    results.close()
    assert not any(thread.name.startswith("bertie-ahead") for thread in threading.enumerate())
