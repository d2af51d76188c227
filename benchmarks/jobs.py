"""What a job costs over the engine's own work: bertie run embed against model.embed.

    python benchmarks/jobs.py MODEL TEXTS [--rows 100000] [--rounds 3] [--precision int8]

TEXTS is a file of lines, which are repeated with a number before them until there are enough. The
two take turns. Processor seconds count as well as those of the clock: where others use the machine,
they say more.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import bertie
from bertie.jobs import Job, run

CALL = 1024  # texts, as many as bertie bench has in its bulk


def rows_of(path: Path, count: int) -> list[str]:
    """Make so many different texts."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [f"{number} {line}" for number, line in zip(range(count), itertools.cycle(lines))]


def timed(work: Any) -> tuple[float, float]:
    """Run something. Returns: seconds, and processor seconds of all threads."""
    start, used = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - start, time.process_time() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="int8")
    given = parser.parse_args()
    texts = rows_of(given.texts, given.rows)
    model = bertie.load(given.model, task="embed", precision=given.precision)
    tokens = int(model.tokenizer.encode_batch(texts).lengths.sum())

    def bulk() -> None:
        for first in range(0, len(texts), CALL):
            model.embed(texts[first : first + CALL])

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.txt"
        path.write_text("\n".join(texts), encoding="utf-8")
        model.embed(texts[:CALL])
        for round in range(given.rounds):
            output = Path(directory) / f"{round}.parquet"
            job = Job("embed", (str(path),), output, given.model, {"precision": given.precision})
            found = {"bulk": timed(bulk), "job": timed(lambda job=job: run(job))}
            rates = {
                name: {
                    "rows_per_second": round_(given.rows / seconds),
                    "tokens_per_second": round_(tokens / seconds),
                    "tokens_per_processor_second": round_(tokens / used),
                }
                for name, (seconds, used) in found.items()
            }
            shares = [found["bulk"][i] / found["job"][i] for i in (0, 1)]
            said = {"by_clock": round_(shares[0]), "by_processor": round_(shares[1])}
            print(json.dumps({**rates, "job_over_bulk": said}), flush=True)


def round_(number: float) -> float:
    """Round to three figures behind the point, or to none."""
    return round(number) if number > 100 else round(number, 3)


if __name__ == "__main__":
    main()
