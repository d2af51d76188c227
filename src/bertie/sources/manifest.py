"""The list of a fetched model's files with their hashes, kept beside them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertie.sources.progress import Progress, silent

NAME = "bertie-manifest.json"
_FORMAT = 1


@dataclass(frozen=True)
class File:
    """One file as it was fetched."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A fetched model: the name it was asked for by, where it came from, its files by path."""

    source: str
    origin: str
    files: Mapping[str, File]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    @classmethod
    def of(
        cls, directory: Path, *, source: str, origin: str, progress: Progress = silent
    ) -> "Manifest":
        """Hash every file of a directory."""
        paths = sorted(path for path in directory.rglob("*") if path.is_file())
        total = sum(path.stat().st_size for path in paths)
        files: dict[str, File] = {}
        done = 0
        for path in paths:
            size = path.stat().st_size
            files[path.relative_to(directory).as_posix()] = File(size, sha256(path))
            done += size
            progress("checking", done, total)
        return cls(source, origin, files)

    @classmethod
    def read(cls, directory: Path) -> "Manifest | None":
        """Read a directory's manifest; None where there is none that can be understood."""
        try:
            raw = json.loads((directory / NAME).read_bytes())
            if raw["format"] != _FORMAT:
                return None
            files = {
                str(name): File(int(file["bytes"]), str(file["sha256"]))
                for name, file in raw["files"].items()
            }
            return cls(str(raw["source"]), str(raw["origin"]), files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, directory: Path) -> None:
        """Put the manifest into a directory."""
        raw = {
            "format": _FORMAT,
            "source": self.source,
            "origin": self.origin,
            "files": {name: vars(file) for name, file in self.files.items()},
        }
        (directory / NAME).write_text(
            json.dumps(raw, indent=2) + "\n", encoding="utf-8", newline="\n"
        )

    def damage(self, directory: Path, *, hashes: bool, progress: Progress = silent) -> list[str]:
        """Say what is wrong with a directory's files, by size alone or by hash too."""
        found: list[str] = []
        done = 0
        for name, file in self.files.items():
            try:
                size = (directory / name).stat().st_size
                if size != file.bytes:
                    found.append(f"{name} has {size} bytes, expected {file.bytes}")
                elif hashes and sha256(directory / name) != file.sha256:
                    found.append(f"{name} is not what was fetched (its SHA-256 differs)")
            except OSError as error:
                found.append(f"{name}: {error.strerror}")
            done += file.bytes
            if hashes:
                progress("checking", done, self.bytes)
        return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
