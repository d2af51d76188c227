"""What the system says is taken as it is, and its silence is borne."""

import os
from pathlib import Path

import pytest

from bertie.bench import machine


def test_the_cpu_has_a_name() -> None:
    assert machine.cpu_name()


def test_a_system_without_proc_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> str:
        raise FileNotFoundError("no such file")

    monkeypatch.setattr(Path, "read_text", absent)
    assert machine.cpu_name()


def test_the_load_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    load = machine.load_average()
    assert load is not None
    assert load >= 0

    def unknown() -> tuple[float, float, float]:
        raise OSError("the load average can't be had")

    monkeypatch.setattr(os, "getloadavg", unknown)
    assert machine.load_average() is None
