"""Damage checkpoints of every format at random, and see that nothing wrong comes of it.

    python scripts/corrupt.py [--cases N] [--seed N] [--only WORD]

Needs numpy and safetensors, as the tests do, whose table of formats it takes. A case flips a byte,
or zeroes, cuts or doubles a range of bytes. It prints what came of the cases, the slowest of them
and the one that allocated most, and fails with the cases in which a checkpoint was read as what
it isn't, crashed the reader, or took more memory than twice its files and four mebibytes.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.corrupting import KINDS, Damage, Kind, Target, numbers  # noqa: E402


def run(kind: Kind, directory: Path, cases: int, rng: random.Random) -> list[str]:
    """Damage one kind, print a line, and give the violations."""
    target = Target(kind, directory)
    verdicts: Counter[str] = Counter()
    slowest, largest, violations = 0.0, 0, []
    for _ in range(cases):
        damage = Damage.draw(kind, target.sizes, numbers(rng))
        outcome = target.damage(damage)
        verdicts[outcome.verdict] += 1
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.allocated)
        if outcome.violation:
            violations.append(f"{kind.name}: {damage}: {outcome.violation}")
    counts = "".join(f"{verdicts[v]:9}" for v in ("refused", "same", "changed", "crashed"))
    print(
        f"{kind.name:24}{target.total:9}{cases:8}{counts}"
        f"{slowest * 1000:9.1f}{largest:11}{largest / target.total:7.2f}",
        flush=True,
    )
    return violations


def main() -> None:
    """Run all kinds and say what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the kinds whose name has this word")
    given = parser.parse_args()
    kinds = [kind for kind in KINDS if given.only in kind.name]
    rng = random.Random(given.seed)
    heads = ("refused", "same", "changed", "crashed")
    print(
        f"{'format':24}{'bytes':>9}{'cases':>8}{''.join(f'{head:>9}' for head in heads)}"
        f"{'slow ms':>9}{'allocated':>11}{'ratio':>7}"
    )
    violations = []
    with tempfile.TemporaryDirectory() as directory:
        for number, kind in enumerate(kinds):
            place = Path(directory) / str(number)
            violations += run(kind, place, -(-given.cases // len(kinds)), rng)
    for violation in violations[:50]:
        print(violation)
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
