"""Models that their frameworks saved (scripts/make_framework_fixtures.py), unpacked."""

import tarfile
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "frameworks"
LIBRARY = "sentence-transformers"
# What the models were run on: punctuation, accents, a text that is cut, nothing at all.
TEXTS = [
    "The old bridge of stone, and rain!",
    "who reads the book at night?",
    "CAFÉ naïveté, rain & snow!",
    "wind " * 70 + "and rain",
    "",
]
PAIRS = [
    ("who reads the book?", "The old bridge of stone, and rain!"),
    ("stone", "wind " * 70 + "and rain"),
    ("", "snow"),
]
ARCHITECTURES = tuple(
    sorted(
        path.name.partition(".")[0] for path in DATA.glob("*.tar.xz") if LIBRARY not in path.name
    )
)


def unpack(archive: str, into: Path) -> Path:
    """Unpack an archive. Returns: the folder of its models."""
    return extract(DATA / f"{archive}.tar.xz", into / archive)


def extract(archive: Path, into: Path) -> Path:
    """Extract an archive that a script here made. Returns: the folder."""
    with tarfile.open(archive) as file:
        # Python 3.11 has filters from its fourth release on; 3.12 warns where none is named.
        filters: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        file.extractall(into, **filters)
    return into


@cache
def models(archive: str) -> tuple[str, ...]:
    """Name the models in an archive."""
    with tarfile.open(DATA / f"{archive}.tar.xz") as file:
        return tuple(dict.fromkeys(name.partition("/")[0] for name in file.getnames()))
