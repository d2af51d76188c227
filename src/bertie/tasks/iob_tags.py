"""Labels of tokens: how they mark where an entity begins and ends."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# B and I begin and go on; E and L end; S and U are whole by themselves (BIO, BIOES, BILOU).
_PREFIXED = re.compile(r"([BIELSU])[-_](.+)", re.DOTALL)
_ENDS = "ELSU"
_BEGINS = "BSU"


@dataclass(frozen=True)
class Mark:
    """A label taken apart: its prefix, I where it has none (IO), and the kind of entity."""

    prefix: str
    kind: str


def mark(label: str) -> Mark:
    """Take a label apart."""
    found = _PREFIXED.fullmatch(label)
    return Mark(found[1], found[2]) if found else Mark("I", label)


def runs(marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """Find entities: runs of one kind that no prefix cuts.

    Args:
        marks: of a text's tokens or words, in order.
    Returns: the first of each run, and one behind its last; runs of what is outside, too.
    """
    start = 0
    for i in range(1, len(marks) + 1):
        if i == len(marks) or _cuts(marks[i - 1], marks[i]):
            yield start, i
            start = i


def _cuts(before: Mark, after: Mark) -> bool:
    """Tell whether an entity ends between two neighbours."""
    return before.kind != after.kind or before.prefix in _ENDS or after.prefix in _BEGINS


def kinds(labels: Iterable[str]) -> tuple[str, ...]:
    """List the kinds of entity that labels mark, in order."""
    return tuple(dict.fromkeys(mark(label).kind for label in labels))
