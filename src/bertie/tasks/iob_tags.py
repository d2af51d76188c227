"""IOB tags: how the labels of tokens mark where an entity begins and ends."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# B and I begin and go on; E and L end; S and U are whole by themselves (BIO, BIOES, BILOU).
_PREFIXED = re.compile(r"([BIELSU])[-_](.+)", re.DOTALL)
_ENDS = "ELSU"
_BEGINS = "BSU"


@dataclass(frozen=True)
class IobTag:
    """A label taken apart: its prefix, I where it has none (IO), and the type of entity."""

    prefix: str
    type: str


def parse_tag(label: str) -> IobTag:
    """Take a label apart."""
    found = _PREFIXED.fullmatch(label)
    return IobTag(found[1], found[2]) if found else IobTag("I", label)


def entity_runs(tags: Sequence[IobTag]) -> Iterator[tuple[int, int]]:
    """Find entities: runs of one type that no prefix cuts.

    Args:
        tags: of a text's tokens or words, in order.
    Returns: the first of each run, and one behind its last; runs of what is outside, too.
    """
    start = 0
    for i in range(1, len(tags) + 1):
        if i == len(tags) or _ends_between(tags[i - 1], tags[i]):
            yield start, i
            start = i


def _ends_between(before: IobTag, after: IobTag) -> bool:
    """Tell whether an entity ends between two neighbours."""
    return before.type != after.type or before.prefix in _ENDS or after.prefix in _BEGINS


def entity_types(labels: Iterable[str]) -> tuple[str, ...]:
    """List the types of entity that labels mark, in order."""
    return tuple(dict.fromkeys(parse_tag(label).type for label in labels))
