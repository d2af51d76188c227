"""Kill jobs at random moments, go on with them, and compare what comes out to the last byte.

    python scripts/kill_jobs.py MODEL [--kills 50] [--on local] [--rows 6000]

On Ray and Spark workers are killed first (an actor's process, an executor), after which the run
goes on by itself; then the driver with all its processes, and the same command is given again.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

WORDS = ["the", "old", "bridge", "who", "reads", "book", "cat", "dog", "bird", "sky", "on", "a"]
WORKERS = {"ray": b"MapWorker", "spark": b"CoarseGrainedExecutorBackend"}
_WORKERS_OF_A_RUN = 9  # killed before the driver is


def write_rows(path: Path, count: int, seed: int) -> None:
    """Write a CSV in which some rows are bad."""
    chance = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text\n")
        for number in range(count):
            words = " ".join(chance.choices(WORDS, k=chance.randint(1, 20)))
            file.write(f"{number}\n" if number % 997 == 0 else f"{number},{words}\n")


def command(rows: Path, output: Path, model: str, on: str) -> list[str]:
    """The job as a command."""
    arguments = ["run", "embed", rows, "-o", output, "-m", model, "--shard-rows", 64, "--on", on]
    more = ["--workers", 2] if on != "local" else []
    return [sys.executable, "-m", "bertie", *map(str, [*arguments, *more])]


def descendants(root: int) -> list[int]:
    """List a process's children, theirs, and so on."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def workers(root: int, mark: bytes) -> list[int]:
    """List the descendants whose command line has a mark."""
    found = []
    for process in descendants(root):
        try:
            line = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if mark in line:
            found.append(process)
    return found


def kill(processes: list[int]) -> None:
    """Kill processes that may be gone by now."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def contents(directory: Path) -> dict[str, bytes]:
    """Read what a job gives out: its file or shards, and the rejected rows."""
    paths = [*directory.glob("out*"), *directory.glob("out/*")]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def finished(output: Path) -> int:
    """Count the shards that are finished."""
    state = output / "_job" if output.suffix == "" else output.with_name(f"{output.name}.job")
    return len([*(state / "finished").glob("*.json")])


def environment(on: str) -> dict[str, str]:
    """Have Spark run on a cluster of two executors of one core, processes of their own."""
    if on != "spark":
        return dict(os.environ)
    master = "--master local-cluster[2,1,1024] --conf spark.ui.enabled=false pyspark-shell"
    return {**os.environ, "PYSPARK_SUBMIT_ARGS": master}


class Tried:
    """One job, killed again and again until it is done."""

    def __init__(self, command: list[str], output: Path, on: str, chance: random.Random) -> None:
        self.command, self.output, self.on, self.chance = command, output, on, chance
        self.drivers = self.workers = 0

    def run(self, kills: int) -> int:
        """Kill the job up to so many times. Returns: how often it was."""
        while True:
            process = subprocess.Popen(
                self.command,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                env=environment(self.on),
            )
            if self.drivers + self.workers < kills:
                self._disturb(process, kills)
            said = process.communicate()[1]
            if process.returncode == 0:
                return self.drivers + self.workers
            if process.returncode != -signal.SIGKILL:
                raise SystemExit(f"it ended with {process.returncode}: {said[-3000:]}")

    def _disturb(self, process: "subprocess.Popen[str]", kills: int) -> None:
        """Wait for moments of its work, and kill workers, if there are any, and then the driver."""
        goal = finished(self.output) + self.chance.randint(1, 3)
        while process.poll() is None and finished(self.output) < goal:
            time.sleep(0.002)
        time.sleep(self.chance.random() / 10)
        for _ in range(_WORKERS_OF_A_RUN if self.on in WORKERS else 0):
            found = workers(process.pid, WORKERS[self.on])
            if not found or self.drivers + self.workers >= kills:
                break
            kill([self.chance.choice(found)])
            self.workers += 1
            print(f"{self.workers} workers, {self.drivers} drivers", file=sys.stderr, flush=True)
            goal = finished(self.output) + self.chance.randint(1, 2)
            while process.poll() is None and finished(self.output) < goal:
                time.sleep(0.01)
        if process.poll() is None and self.drivers + self.workers < kills:
            kill([process.pid, *descendants(process.pid)])
            self.drivers += 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--on", choices=["local", "ray", "spark"], default="local")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="bertie-kill-") as directory:
        done = drivers = others = jobs = 0
        while done < given.kills:
            jobs += 1
            home = Path(directory) / str(jobs)
            rows = Path(directory) / f"rows{jobs}.csv"
            write_rows(rows, given.rows, given.seed + jobs)
            name = chance.choice(["out.parquet", "out.jsonl", "out"])
            for place in ("whole", "killed"):
                (home / place).mkdir(parents=True)
            whole = home / "whole" / name
            subprocess.run(
                command(rows, whole, given.model, "local"), check=True, capture_output=True
            )
            output = home / "killed" / name
            tried = Tried(command(rows, output, given.model, given.on), output, given.on, chance)
            done += tried.run(given.kills - done)
            drivers, others = drivers + tried.drivers, others + tried.workers
            same = contents(home / "whole") == contents(home / "killed")
            print(
                f"{name}: {tried.drivers} drivers and {tried.workers} workers killed, "
                f"{'the same bytes' if same else 'OTHER BYTES'}",
                flush=True,
            )
            if not same:
                raise SystemExit(1)
        print(f"{given.on}: {jobs} jobs, {drivers} drivers and {others} workers killed")


if __name__ == "__main__":
    main()
