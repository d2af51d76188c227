"""One engine in a process of its own; process.py talks to it in JSON lines.

    python benchmarks/comparison/worker.py ENGINE CHECKPOINT WORK THREADS TEXTS

TEXTS is a JSON file of lists of texts by name. It answers one line for each line: `bulk` embeds a
list in one call, `one` embeds texts one call each, `peak` measures what Bertie's CPU can multiply.
"""

import ctypes
import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from comparison.engines import ENGINES, LoadedEngine, ModelFiles

_UNTIMED = 10  # calls before those that count, for caches that other engines emptied


def bulk(loaded: LoadedEngine, texts: list[str], save: str | None) -> dict[str, Any]:
    """Time one call; keep its vectors where they are wanted."""
    begun = time.perf_counter()
    vectors = loaded.embed(texts)
    seconds = time.perf_counter() - begun
    if save is not None:
        np.save(save, vectors)
    return {"seconds": seconds}


def one(loaded: LoadedEngine, texts: list[str]) -> dict[str, Any]:
    """Time calls of one text."""
    for text in texts[:_UNTIMED]:
        loaded.embed([text])
    seconds = []
    for text in texts:
        begun = time.perf_counter()
        loaded.embed([text])
        seconds.append(time.perf_counter() - begun)
    return {"seconds": seconds}


def peak(threads: int) -> dict[str, Any]:
    """Measure the multiply peak of every precision, in operations a second."""
    from bertie import _core

    precisions = ("float32", "bfloat16", "int8")
    return {"peak": {name: _core.multiply_peak(name, threads) for name in precisions}}


def end_with_parent() -> None:
    """Have the kernel end this process when the script that started it ends, however it does.

    Killed by SIGKILL, the script could not, and a stopped process would stay for ever.
    """
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
    ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGKILL))


def main() -> None:
    end_with_parent()
    key, checkpoint, work, threads, texts_file = sys.argv[1:]
    # Libraries print; the answers have the original standard output to themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    engine = next(engine for engine in ENGINES if engine.key == key)
    lists = json.loads(Path(texts_file).read_text(encoding="utf-8"))
    begun = time.perf_counter()
    loaded = engine.load(ModelFiles(Path(checkpoint), Path(work)), int(threads))
    answer: dict[str, Any] = {"notes": loaded.notes, "seconds": time.perf_counter() - begun}
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        request = json.loads(line)
        if request["do"] == "bulk":
            answer = bulk(loaded, lists[request["texts"]], request.get("save"))
        elif request["do"] == "one":
            answer = one(loaded, lists[request["texts"]][: request["count"]])
        else:
            answer = peak(int(threads))


if __name__ == "__main__":
    main()
