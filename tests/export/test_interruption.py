"""An export that is killed leaves nothing under the bundle's name."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

# Kills itself at the given call of progress, of which there is one for each tensor and file.
PROGRAM = """
import os, signal, sys
from bertie.export import write_bundle

calls = 0

def progress(what, done, total):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))

write_bundle(sys.argv[1], sys.argv[2], precision="float32", progress=progress)
"""


@pytest.mark.parametrize("call", [1, 20, 60])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_killed_export_leaves_nothing_under_its_name(
    tiny_bert: Path, tmp_path: Path, call: int, name: str
) -> None:
    place = tmp_path / "place"
    command = [sys.executable, "-c", PROGRAM, str(tiny_bert), str(place), str(call), name]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert ran.returncode == -getattr(signal, name)
    assert not place.exists()
    assert any(tmp_path.iterdir()) == (name == "SIGKILL")  # which gives no time to tidy up
    ran = subprocess.run(
        [*command[:-2], "0", name], capture_output=True, timeout=TIMEOUT, check=False
    )
    assert ran.returncode == 0
    assert (place / "bertie.json").is_file()
