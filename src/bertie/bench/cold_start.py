"""Cold starts and memory, each measured in a new process that does nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bertie
from bertie.bench import child_process
from bertie.bench.report import Memory, Spread, Start
from bertie.errors import BertieError

_ROOT = Path(bertie.__file__).parent.parent  # what the child imports Bertie from
_HELLO = "A new process embeds this sentence first."


@dataclass(frozen=True)
class _ChildRun:
    """What one process told: its times in milliseconds, and its memory where it was given texts."""

    first_vector_ms: float
    times: Mapping[str, float]
    memory: Mapping[str, int | None]


def time_cold_starts(source: str, options: Mapping[str, Any], runs: int) -> Start:
    """Time new processes up to their first vector.

    Args:
        source: a model whose files are here.
        options: for bertie.load.
        runs: processes, one after another; one more goes before them for the page cache.
    Raises: BertieError: a process failed; the message is its last line.
    """
    _run_child(source, options, ())
    done = [_run_child(source, options, ()) for _ in range(runs)]
    times = {name: Spread.of([run.times[name] for run in done]) for name in done[0].times}
    return Start(runs, Spread.of([run.first_vector_ms for run in done]), **times)


def measure_memory(source: str, options: Mapping[str, Any], texts: Sequence[str]) -> Memory | None:
    """Measure the memory of a new process that streams texts; None: the system doesn't tell.

    Args:
        source, options: as for time_cold_starts.
        texts: at least one.
    Raises: BertieError: as time_cold_starts.
    """
    told = _run_child(source, options, texts).memory
    sizes = {name: size for name, size in told.items() if size is not None}
    return Memory(**sizes) if len(sizes) == len(told) else None


def _run_child(source: str, options: Mapping[str, Any], texts: Sequence[str]) -> _ChildRun:
    """Run child_process.py once."""
    request = json.dumps({"source": source, "options": dict(options), "text": _HELLO})
    command = [sys.executable, "-P", "-W", "ignore::UserWarning", child_process.__file__]
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it has failed; below it says why
            process.stdin.write(request + "\n")
            process.stdin.flush()
        first = process.stdout.readline()
        elapsed = time.perf_counter() - begun
        rest, stderr = process.communicate("".join(json.dumps(text) + "\n" for text in texts))
    if process.returncode != 0:
        last = stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise BertieError(f"a new process could not run {source}: {last[0]}")
    return _ChildRun(1e3 * elapsed, json.loads(first), json.loads(rest) if rest.strip() else {})
