"""How fast batches are computed, by those of late."""

import pytest

from bertie.server.scheduling.rates import Rate, Throughput, token_budget


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


@pytest.mark.parametrize(
    ("per_second", "waiting", "expected"),
    [
        (0, 0, 2048),  # nothing is known yet
        (20_000, 0, 1000),  # what 0.05 seconds compute
        (20_000, 3000, 1000),  # a quarter of what waits is less than that
        (20_000, 6000, 1500),  # and here it is more
        (20_000, 100_000, 2048),  # the most of any batch
        (1000, 0, 512),  # a slow model's smallest
        (1400, 2400, 600),
        (100, 100_000, 512),  # no longer than half a second where that is more than the smallest
        (2000, 100_000, 1000),
        (1e6, 0, 2048),
    ],
)
def test_a_batch_is_timely_and_larger_where_much_waits(
    per_second: float, waiting: int, expected: int
) -> None:
    assert token_budget(per_second, waiting, 2048, 0.05) == expected


def test_the_smallest_batch_has_a_token() -> None:
    assert token_budget(1, 0, 3, 0.001) == 1
