"""Remembered answers never take more than they may."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertie.server.scheduling.cache import MISSING, Cache
from bertie.tasks.sparse import SparseVector


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 300)), max_size=60))
def test_the_bound_holds_whatever_comes(puts: list[tuple[int, int]]) -> None:
    cache = Cache(2000)
    for key, length in puts:
        cache.put(("m", str(key)), np.zeros(length, np.float32))
        assert cache.size <= 2000
    kept = sum(cache.get(("m", str(key))) is not MISSING for key in range(21))
    assert kept == len(cache)
    assert (cache.size == 0) == (kept == 0)


def test_what_was_not_wanted_for_longest_goes_first() -> None:
    cache = Cache(2000)
    for key in "abc":
        cache.put(key, np.zeros(100, np.float32))
    assert cache.get("a") is not MISSING
    cache.put("d", np.zeros(100, np.float32))
    assert cache.get("b") is MISSING
    assert cache.get("a") is not MISSING
    assert (cache.hits, cache.misses) == (2, 1)


def test_an_answer_does_not_keep_its_batch() -> None:
    batch = np.zeros((1000, 4), np.float32)
    cache = Cache(10_000)
    cache.put("row", batch[3])
    cache.put("sparse", SparseVector(np.arange(4, dtype=np.int32), batch[5]))
    batch[:] = 1
    assert cache.get("row").base is None
    assert cache.get("row").sum() == 0
    assert cache.get("sparse").weights.sum() == 0


def test_an_answer_beyond_the_bound_is_not_kept() -> None:
    cache = Cache(100)
    cache.put("large", np.zeros(1000))
    assert len(cache) == cache.size == 0
