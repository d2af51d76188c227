"""Two builds of Bertie beside each other, such as two compilers': is one slower than the other?

    python benchmarks/builds.py gcc/bin/python zig/bin/python --within 0.03

Each is named by the Python of a virtual environment that it is installed in, and runs in a process
of its own, stopped while it isn't its turn (comparison/process.py). In each round both embed the
same texts, by turns the one and the other first. A ratio is taken within a round; above 1 the
second build is the faster.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from comparison.engines import ENGINES, ModelFiles
from comparison.process import Process
from comparison.results import machine
from comparison.texts import long_texts, short_texts

from bertie.sources import resolve

_HERE = Path(__file__).resolve().parent
_PRECISIONS = ("float32", "bfloat16", "int8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("builds", nargs=2, type=Path, help="a Python that has Bertie installed")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--data", type=Path, default=_HERE.parent.parent / "shared" / "data")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--precision", nargs="+", choices=_PRECISIONS, default=_PRECISIONS)
    parser.add_argument("--within", type=float, help="fail where the second is slower by more")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    texts = {"short": short_texts(args.data, 1024), "long": long_texts(args.data, 128)}
    print(
        f"{machine()['cpu']}, {args.threads} threads, {args.rounds} rounds, "
        f"load {os.getloadavg()[0]:.1f} before them"
    )
    worst = 1.0
    with tempfile.TemporaryDirectory() as scratch:
        lists = Path(scratch) / "texts.json"
        lists.write_text(json.dumps(texts), encoding="utf-8")
        for precision in args.precision:
            files = ModelFiles(resolve(args.model), Path(scratch))
            for kind, ratios in compare(precision, files, lists, args):
                found = median(ratios)
                worst = min(worst, found)
                print(f"{precision} {kind}: {found:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    if args.within is not None and worst < 1 - args.within:
        raise SystemExit(f"the second build has {worst:.3f} of the first one's speed")


def compare(
    precision: str, files: ModelFiles, lists: Path, args: argparse.Namespace
) -> Iterator[tuple[str, list[float]]]:
    """Yield each kind of texts and, round by round, the first build's seconds by the second's."""
    engine = next(engine for engine in ENGINES if engine.key == f"bertie-{precision}")
    processes: list[Process] = []
    try:
        for python in args.builds:
            processes.append(Process(engine, files, args.threads, lists, python.absolute()))
            print(f"  {python}: {processes[-1].notes}")
        for kind in json.loads(lists.read_text(encoding="utf-8")):
            ratios = []
            for number in range(-1, args.rounds):  # the first, untimed, warms both up
                turns = processes if number % 2 else processes[::-1]
                seconds = {one: one.run(do="bulk", texts=kind)["seconds"] for one in turns}
                ratios.append(seconds[processes[0]] / seconds[processes[1]])
            yield kind, ratios[1:]
    finally:
        for process in processes:
            process.end()


if __name__ == "__main__":
    main()
