"""Measure the tokenizer against `tokenizers` and, where it is installed, `nanotoken`.

    python benchmarks/tokenizer.py MODEL [--data FOLDER] [--rounds N]

MODEL is a directory with tokenizer.json. Every peer takes its turn in each round, on the same
texts, with everything warm; the figure is the median over the rounds of the ratio to Bertie in the
same round, so that a machine that slows down slows all of them. `tokenizers` is its
`encode_batch`, and its fast variant without offsets is shown beside it.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import tokenizers

from bertie.tokenize import Tokenizer

try:
    import nanotoken
except ImportError:
    nanotoken = None

Run = Callable[[], Any]


def sentences(data: Path) -> list[str]:
    """The English and German sentences of STS-B and SST-2."""
    names = ("stsb/stsb-en-dev.csv", "stsb/stsb-de-dev.csv", "sst2/train.tsv")
    lines = [line for name in names for line in (data / name).read_text().splitlines()]
    return [line for line in lines if line.strip()][:20000]


def passages(texts: list[str], words: int = 200) -> list[str]:
    """The same texts joined into passages of about so many words."""
    everything = " ".join(texts).split(" ")
    return [" ".join(everything[i : i + words]) for i in range(0, len(everything), words)]


def languages(data: Path) -> list[str]:
    """Sentences of sixteen languages, most of them not in Latin letters."""
    return [
        line
        for path in sorted((data / "tatoeba").glob("*.txt"))
        for line in path.read_text(errors="replace").splitlines()
        if line.strip()
    ]


def peers(model: Path, texts: list[str]) -> Iterator[tuple[str, Run]]:
    """Yield each tokenizer's name and what runs it once over the texts."""
    ours = Tokenizer.load(model)
    theirs = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    yield "bertie", lambda: ours.encode_batch(texts)
    yield "bertie, 1 thread", lambda: ours.encode_batch(texts, threads=1)
    yield "tokenizers", lambda: theirs.encode_batch(texts)
    yield "tokenizers fast", lambda: theirs.encode_batch_fast(texts)
    if nanotoken is not None:
        nano = nanotoken.Tokenizer(str(model / "tokenizer.json"))
        yield "nanotoken", lambda: nano.encode_batch(texts, parallel=True)
        yield "nanotoken, 1 thread", lambda: nano.encode_batch(texts, parallel=False)


def timed(run: Run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def compare(model: Path, texts: list[str], rounds: int) -> None:
    """Print each tokenizer's throughput, and how many times Bertie's it takes."""
    runs = dict(peers(model, texts))
    size = sum(len(text.encode()) for text in texts)
    print(f"  {len(texts)} texts, {size / 1e6:.1f} MB")
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(timed(run))
    for name, times in seconds.items():
        base = "bertie, 1 thread" if name.endswith("1 thread") else "bertie"
        ratio = median(t / b for t, b in zip(times, seconds[base], strict=True))
        rate = size / median(times) / 1e6
        print(f"  {name:22} {rate:8.1f} MB/s   {ratio:7.2f} × {base}'s time")


def offsets(model: Path, texts: list[str], rounds: int) -> None:
    """Print what offsets cost the core, and what one sentence takes."""
    core = Tokenizer.load(model)._backend._core
    several = tuple(texts)
    core.seconds(several, True)
    pairs = [(core.seconds(several, False), core.seconds(several, True)) for _ in range(rounds)]
    cost = median(on / off for off, on in pairs) - 1
    each = median(off for off, _ in pairs) / len(texts) * 1e6
    print(f"  one text: {each:.2f} µs in the core; with offsets {cost:+.0%}")


def main() -> None:
    root = Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    short = sentences(arguments.data)
    for name, texts in (
        ("sentences", short),
        ("passages", passages(short)),
        ("sixteen languages", languages(arguments.data)),
    ):
        print(name)
        compare(arguments.model, texts, arguments.rounds)
        offsets(arguments.model, texts, arguments.rounds)


if __name__ == "__main__":
    main()
