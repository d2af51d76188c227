"""What the system says is taken as it is, and its silence is borne."""

import subprocess
import sys
from pathlib import Path

import pytest

from bertie.bench import machine


def test_the_cpu_has_a_name() -> None:
    assert machine.cpu_name()


def test_memory_that_is_touched_is_resident() -> None:
    before = machine.resident_bytes()
    if before is None:
        pytest.skip("this system has no /proc")
    block = b"x" * 50_000_000
    after = machine.resident_bytes()
    assert after is not None
    assert after - before > 0.9 * len(block)
    assert machine.peak_resident_bytes() >= 0.9 * after


def test_a_childs_peak_is_its_own() -> None:
    if machine.resident_bytes() is None:
        pytest.skip("this system has no /proc")
    size = 200_000_000
    block = b"x" * size
    # A module of its own, without the package: a child of next to nothing.
    code = f"import runpy; print(runpy.run_path({machine.__file__!r})['peak_resident_bytes']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert len(block) == size
    assert 1_000_000 < int(done.stdout) < size / 2


def test_a_system_without_proc_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> str:
        raise FileNotFoundError("no such file")

    monkeypatch.setattr(Path, "read_text", absent)
    assert machine.resident_bytes() is None
    assert machine.peak_resident_bytes() > 0
    assert machine.cpu_name()
