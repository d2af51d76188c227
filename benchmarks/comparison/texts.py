"""Short and long English texts: STS-B's sentences and Cranfield's abstracts."""

import csv
import re
from pathlib import Path

_STSB = Path("stsb") / "stsb-en-dev.csv"
_CRANFIELD = Path("cranfield") / "cran.all.1400"


def short_texts(data: Path, count: int) -> list[str]:
    """Read distinct sentences of STS-B's development set, in its order."""
    with (data / _STSB).open(newline="", encoding="utf-8") as file:
        sentences = [sentence for row in csv.reader(file) for sentence in row[:2]]
    return _some(sentences, count, data / _STSB)


def long_texts(data: Path, count: int) -> list[str]:
    """Read abstracts of the Cranfield collection, those that are empty left out."""
    content = (data / _CRANFIELD).read_text(encoding="utf-8")
    abstracts = [
        " ".join(part.split("\n.W\n", 1)[1].split())
        for part in re.split(r"^\.I \d+\n", content, flags=re.MULTILINE)[1:]
    ]
    return _some(abstracts, count, data / _CRANFIELD)


def _some(texts: list[str], count: int, source: Path) -> list[str]:
    """Take texts at even distances from all the distinct ones."""
    distinct = [text for text in dict.fromkeys(texts) if text]
    if count > len(distinct):
        raise SystemExit(f"{source} has {len(distinct)} distinct texts, but {count} were asked for")
    return [distinct[i * len(distinct) // count] for i in range(count)]
