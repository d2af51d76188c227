"""What an earlier release made (scripts/make_earlier_fixtures.py), unpacked."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.frameworks import extract
from tests.server.running import make_models

DATA = Path(__file__).parent / "data"
EARLIER = DATA / "earlier.tar.xz"
FOLDER = "bertie-earlier"  # under the root, where the earlier release had made it
PRECISIONS = ("float32", "bfloat16", "int8")
TEXTS = [
    "The old bridge of stone, and rain!",
    "who reads the book at night?",
    "rain and wind at night",
    "CAFÉ naïveté, a book",
    "",
]


def make_sources(directory: Path) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Write a tiny model for each task, as running.make_models."""
    sentence = Path(shutil.copytree(DATA / "tiny-sentence", directory / "tiny-sentence"))
    return make_models(directory, DATA / "tiny-bert", sentence)


def here(text: str, directory: Path) -> str:
    """Say of a directory what an earlier release said of its own."""
    return text.replace(FOLDER, directory.as_posix().strip("/"))


def unpack(directory: Path) -> Path:
    """Unpack everything as if it had been made in a directory. Returns: the folder of it."""
    extract(EARLIER, directory / "kept")
    for path in (directory / "kept").rglob("*.json"):
        # A bundle says where it was exported from, under a hash, and no more than that.
        if "bundles" not in path.parts and FOLDER in (text := path.read_text(encoding="utf-8")):
            path.write_text(here(text, directory), encoding="utf-8", newline="\n")
    return directory / "kept"


def numbers_found(index: Any) -> list[int]:
    """Ask an index by vectors and by words. Returns: the numbers of the rows, best first."""
    return [
        found.fields["number"]
        for mode in ("vector", "text", "hybrid")
        for found in index.search("rain at night", k=3, mode=mode)
    ]
