"""A lock has one holder, and outlives no process."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bertie.sources.cache import Entry
from bertie.sources.progress import silent
from bertie.system import locks
from bertie.system.locks import Lock

_HOLD = """
import sys
from pathlib import Path
from bertie.system.locks import Lock

with Lock(Path(sys.argv[1])) as lock:
    lock.take()
    lock.file.write("Zoë")
    lock.file.flush()
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its input ends, or it dies."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "lock")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline().strip() == b"held"
    with process:
        yield process
        process.kill()


def test_it_is_refused_while_another_process_holds_it(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with Lock(tmp_path / "lock") as lock:
        with pytest.raises(BlockingIOError):
            lock.take()
        lock.file.seek(0)
        assert lock.file.read() == "Zoë"  # what the holder wrote can be read all the same


@pytest.mark.parametrize("end", ["ends", "dies"])
def test_it_is_free_when_its_process_is_gone(
    end: str, holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    told = []

    def waiting() -> None:
        told.append("waiting")
        if end == "dies":
            holder.kill()
        else:
            assert holder.stdin is not None
            holder.stdin.close()

    with Lock(tmp_path / "lock") as lock:
        lock.take(waiting)
    assert told == ["waiting"]
    holder.wait()


def test_it_is_one_holders_within_a_process_too_and_free_afterwards(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock") as lock, Lock(tmp_path / "lock") as other:
        lock.take()
        with pytest.raises(BlockingIOError):
            other.take()
    with Lock(tmp_path / "lock") as lock:
        lock.take(lambda: pytest.fail("somebody holds it"))


def test_a_file_that_can_not_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Lock(tmp_path / "nowhere" / "lock")


@pytest.mark.parametrize("number", sorted(locks.NO_LOCKS_HERE))
def test_a_pull_goes_on_where_the_file_system_has_no_locks(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: int) -> None:  # what some network file systems answer; there is none here
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "_take", none)
    with Entry(tmp_path, "hub/a/b").locked(silent):
        pass


def test_a_pull_stops_at_any_other_fault_of_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(locks, "_take", broken)
    with pytest.raises(OSError, match="Input/output error"), Entry(tmp_path, "a").locked(silent):
        pass
