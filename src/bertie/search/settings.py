"""What an index was made with, kept beside its rows."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.errors import InputError

FILE = "index.json"
FORMAT = 1  # of the directory; another one is refused

# What the first pass over an approximate index reads; the best are then compared in float32.
FIRST_PASSES = ("int8", "binary", "float32")
# Languages whose words are brought to their stems for the search by words.
LANGUAGES = (
    "none", "Arabic", "Danish", "Dutch", "English", "Finnish", "French", "German", "Greek",
    "Hungarian", "Italian", "Norwegian", "Portuguese", "Romanian", "Russian", "Spanish", "Swedish",
    "Tamil", "Turkish",
)  # fmt: skip


@dataclass(frozen=True)
class IndexSettings:
    """What an index was made with.

    Attributes:
        source, options: what bertie.load gives the model for again, its concrete precision among
            the options.
        fingerprint: of the model; vectors of another don't mix with the index's.
        dimensions: floats in one vector.
        similarity: how vectors are compared: "cosine", "dot" or "euclid".
        column: the column whose text is searched.
        key: the column that tells rows apart; None: their whole content does.
        language: one of LANGUAGES.
        first_pass: one of FIRST_PASSES.
        truncate: what becomes of longer texts, as for embed.
        trained: rows that there were when the approximate index was made; 0: there is none.
    """

    source: str
    options: Mapping[str, Any]
    fingerprint: str
    dimensions: int
    similarity: str = "cosine"
    column: str = "text"
    key: str | None = None
    language: str = "English"
    first_pass: str = "int8"
    truncate: str = "right"
    trained: int = 0
    format: int = field(default=FORMAT)

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        _require("first_pass", self.first_pass, FIRST_PASSES)
        _require("language", self.language, LANGUAGES)
        _require("truncate", self.truncate, ("right", "left", "error", "window"))
        _require("the model's similarity", self.similarity, ("cosine", "dot", "euclid"))
        if self.first_pass == "binary" and self.dimensions % 8:
            raise InputError(
                f"first_pass is binary, but vectors have {self.dimensions} dimensions, expected a "
                "multiple of 8; take int8"
            )

    @property
    def precision(self) -> str:
        """What the vectors were computed in."""
        return str(self.options.get("precision", ""))

    def save(self, directory: Path) -> None:
        """Write them into a directory, whole or not at all."""
        unfinished = directory / f".{FILE}.{os.urandom(4).hex()}"
        try:
            with unfinished.open("x", encoding="utf-8", newline="\n") as file:
                json.dump(asdict(self), file, indent=1, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(directory / FILE)
        finally:
            unfinished.unlink(missing_ok=True)


def read_settings(directory: Path) -> IndexSettings:
    """Read what an index was made with.

    Raises: InputError: the directory isn't an index, or is one of another format, or damaged.
    """
    path = directory / FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{directory} is no index: it has no {FILE}; make one with bertie index, or "
            "bertie.search.Index.create"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}; make the index anew") from error
    known = {one.name for one in fields(IndexSettings)}
    if not isinstance(stored, dict) or stored.get("format") != FORMAT or set(stored) - known:
        format = stored.get("format") if isinstance(stored, dict) else stored
        raise InputError(
            f"{path} is of format {shown(format)}, expected {FORMAT}; make the index anew, or use "
            "the version of Bertie that made it"
        )
    try:
        return IndexSettings(**stored)
    except TypeError as error:
        raise InputError(f"{path} is damaged: {error}; make the index anew") from error


def _require(what: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that isn't one of those known."""
    if value not in known:
        raise InputError(f"{what} is {shown(value)}, expected one of {', '.join(known)}")
