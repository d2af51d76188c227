"""Measure whole processes, from nothing to a first vector.

    python benchmarks/cold_start.py BUNDLE [--onnx model.onnx] [--rounds N]

Beside Bertie stand an empty process and one that imports NumPy, below which nothing that gives an
array can come, and, with an ONNX file of the same model and its tokenizer.json in the bundle, a
bare script of onnxruntime and tokenizers. Processes take turns; modules are compiled beforehand,
as pip does it when it installs. CPU time is what counts on a machine that does other things, too.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

TEXT = "The cat sits on the mat."

BERTIE = """
import sys, bertie
bertie.load(sys.argv[1]).embed(sys.argv[3])
"""
ONNX = """
import sys
import numpy as np, onnxruntime, tokenizers
tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
session = onnxruntime.InferenceSession(sys.argv[2])
ids = np.array([tokenizer.encode(sys.argv[3]).ids], np.int64)
inputs = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
wanted = {one.name for one in session.get_inputs()}
pooled = session.run(None, {k: v for k, v in inputs.items() if k in wanted})[0].mean(axis=1)
pooled / np.linalg.norm(pooled)
"""


def compared_programs(onnx: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the name and the program of each."""
    yield "an empty process", "pass"
    yield "import numpy", "import numpy"
    yield "bertie", BERTIE
    if onnx is not None:
        yield "onnxruntime and tokenizers", ONNX


def run(program: str, bundle: Path, onnx: Path | None) -> tuple[float, float]:
    """Run one process. Returns: its CPU time and how long it took, in seconds."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", program, str(bundle), str(onnx or ""), TEXT]
    subprocess.run(command, check=True, env=environment)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    programs = dict(compared_programs(arguments.onnx))
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for number in range(arguments.rounds + 1):
        for name, program in programs.items():
            times = run(program, arguments.bundle, arguments.onnx)
            if number:  # the first round compiles modules, and fills the page cache
                taken[name].append(times)
    for name, times in taken.items():
        cpu, wall = ([one[i] for one in times] for i in (0, 1))
        print(
            f"{name:28} CPU {min(cpu):.3f} s least, {median(cpu):.3f} s median;"
            f" wall {min(wall):.3f} s, {median(wall):.3f} s"
        )


if __name__ == "__main__":
    main()
