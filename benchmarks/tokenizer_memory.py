"""Show that `encode_stream` holds memory flat: stream text and print the resident memory.

    python benchmarks/tokenizer_memory.py MODEL [--megabytes N]

The texts are made of random words, most of which no cache has seen, with scripts of all kinds.
Exits with 1 where the memory after the whole stream is more than 8 MB above that after a tenth.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from bertie.tokenize import Tokenizer

ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "äöüßéèñç", "абвгдежзиклмн", "中国日本語", "각나다라")


def texts(megabytes: float) -> Iterator[str]:
    """Yield random texts of about 1 kB until there are so many megabytes."""
    source = random.Random(1)
    left = megabytes * 1e6
    while left > 0:
        letters = source.choice(ALPHABETS)
        bits = source.randbytes(640)
        text = "".join(letters[b % len(letters)] if b > 40 else " " for b in bits)
        left -= len(text.encode())
        yield text


def resident() -> float:
    """Return this process's resident memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--megabytes", type=float, default=200)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.load(arguments.model)
    sizes: list[float] = []
    done = 0
    tenth = arguments.megabytes * 1e6 / 10
    tokens = 0

    def counted() -> Iterator[str]:
        nonlocal done
        for text in texts(arguments.megabytes):
            done += len(text.encode())
            yield text

    for packed in tokenizer.encode_stream(counted()):
        tokens += len(packed.ids)
        if done >= tenth * (len(sizes) + 1):
            sizes.append(resident())
            print(f"{done / 1e6:6.0f} MB: {sizes[-1]:.1f} MB resident")
    growth = sizes[-1] - sizes[0]
    print(f"{tokens} tokens; grown by {growth:.1f} MB")
    sys.exit(1 if growth > 8 else 0)


if __name__ == "__main__":
    main()
