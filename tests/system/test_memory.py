"""Memory is what the system counts, in bytes, and its silence is borne."""

import subprocess
import sys
from pathlib import Path

import pytest

from bertie.system import memory


def resident() -> int:
    """What is resident, where the system tells."""
    found = memory.resident_bytes()
    if found is None:
        pytest.skip("this system doesn't tell")
    return found


def test_memory_that_is_touched_is_resident() -> None:
    before = resident()
    block = b"x" * 50_000_000
    after = resident()
    assert after - before > 0.9 * len(block)
    peak = memory.peak_resident_bytes()
    assert peak is not None
    assert peak >= 0.9 * after


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts a program's own peak")
def test_a_childs_peak_is_its_own() -> None:
    size = 200_000_000
    block = b"x" * size
    # A module of its own, without the package: a child of next to nothing.
    code = f"import runpy; print(runpy.run_path({memory.__file__!r})['peak_resident_bytes']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert len(block) == size
    assert 1_000_000 < int(done.stdout) < size / 2


def absent(*_: object, **__: object) -> str:
    """What reading a file of /proc comes to where there is none."""
    raise FileNotFoundError("no such file")


def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = resident()
    monkeypatch.setattr(Path, "read_text", absent)
    if not any((Path(place) / "ps").exists() for place in ("/bin", "/usr/bin")):
        pytest.skip("needs ps")
    assert memory.resident_bytes() == pytest.approx(expected, rel=0.2)
    peak = memory.peak_resident_bytes()
    assert peak is not None
    assert peak > 0.8 * expected


def test_a_system_that_says_nothing_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", absent)
    monkeypatch.setenv("PATH", "/nowhere")
    assert memory.resident_bytes() is None
