"""What the system says is taken as it is, and its silence is borne."""

import os

import pytest

from bertie.bench import load_average


def test_the_load_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    load = load_average.load_average()
    assert load is not None
    assert load >= 0

    def unknown() -> tuple[float, float, float]:
        raise OSError("the load average can't be had")

    monkeypatch.setattr(os, "getloadavg", unknown)
    assert load_average.load_average() is None
