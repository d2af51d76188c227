"""How fast batches are computed, by those of late."""

import pytest

from bertie.server.engine.rates import Rate, Throughput


def test_a_rate_follows_what_is_measured() -> None:
    rate = Rate()
    assert rate.per_second == 0
    for _ in range(20):
        rate.add(8000, 1.0)
    assert rate.per_second == pytest.approx(8000)
    for _ in range(40):
        rate.add(16000, 1.0)
    assert rate.per_second == pytest.approx(16000, rel=0.01)


def test_a_few_small_batches_change_a_rate_little() -> None:
    rate = Rate()
    for _ in range(20):
        rate.add(8000, 1.0)
    for _ in range(20):
        rate.add(3, 0.002)
    assert rate.per_second == pytest.approx(8000, rel=0.03)


def test_a_first_slow_batch_says_nothing() -> None:
    rate = Rate()
    rate.add(5, 2.0)
    assert rate.per_second == 0
    rate.add(8000, 1.0)
    assert rate.per_second > 2000


def test_throughput_falls_while_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    throughput = Throughput()
    throughput.add(1000)
    before = throughput.per_second
    now = 60.0
    assert throughput.per_second < before / 1000
