"""Directories of tokenizers with what transformers makes of them (make_tokenizer_fixtures.py)."""

import json
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data/tokenizers"
FAMILIES = sorted(path.stem for path in DATA.glob("*.json"))
_GONE = "gone"

Files = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A directory, and what AutoTokenizer gives for it.

    Attributes:
        name: the family's and its own.
        files: by name; those that are JSON, parsed; binary ones as "base64".
        texts: each one text or two.
        expected: "ids", "types" of each, in some families "offsets" and "special" masks too, and
            "max_length", or "error".
    """

    name: str
    files: Files
    texts: list[list[str]]
    expected: dict[str, Any]

    def write(self, folder: Path) -> Path:
        return write(folder, self.files)


def write(folder: Path, files: Files) -> Path:
    """Write a directory."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if isinstance(content, dict) and "base64" in content:
            (folder / name).write_bytes(b64decode(content["base64"]))
            continue
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


def edited(files: Files, edits: Files) -> Files:
    """Change files: a key with slashes is an object's in an object, "" is the whole file."""
    changed: Files = json.loads(json.dumps(files))
    for name, content in edits.items():
        if content is None:
            del changed[name]
        elif not isinstance(content, dict) or not name.endswith(".json"):
            changed[name] = content
        elif "" in content:
            changed[name] = content[""]
        else:
            for key, value in content.items():
                _put(changed.setdefault(name, {}), key.split("/"), value)
    return changed


def _put(inner: Any, path: list[str], value: Any) -> None:
    *parents, last = path
    for one in parents:
        inner = inner[one]
    if value == _GONE:
        inner.pop(last, None)
    else:
        inner[last] = value


def family(name: str) -> dict[str, Any]:
    """Read what the script wrote of a family."""
    whole: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return whole


def cases() -> list[Case]:
    """List every case of every family."""
    return [
        Case(
            f"{name}: {case}",
            edited(whole["files"], one["edits"]),
            [*([text] for text in whole["texts"]), *whole["pairs"]],
            one["expected"],
        )
        for name in FAMILIES
        for whole in [family(name)]
        for case, one in whole["cases"].items()
    ]
