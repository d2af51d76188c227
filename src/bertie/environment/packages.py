"""The packages that Bertie needs or can use, as its own metadata lists them."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

# PEP 508: a name, perhaps with extras of its own, which versions will do, after ; under what
# conditions.
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(\[[^]]*\])?\s*\(?(?P<versions>[^;)]*)")
_EXTRA = re.compile(r"""\bextra\s*==\s*["']([\w.-]+)["']""")


@dataclass(frozen=True)
class Package:
    """A package that Bertie needs or can use.

    Attributes:
        name: as the requirement spells it.
        required: the versions that will do, such as ">=1.26".
        extras: those that bring it; none: the base does.
        version: the installed one, which need not be among those; None: not installed.
    """

    name: str
    required: str
    extras: tuple[str, ...]
    version: str | None


def installed(name: str) -> str | None:
    """Give the version of a package, which isn't imported; None: it isn't installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def packages() -> tuple[Package, ...]:
    """List the packages of the base and of every extra, in the order of the metadata.

    Returns: none where Bertie runs from its sources without being installed.
    """
    try:
        lines = requires("bertie") or ()
    except PackageNotFoundError:
        return ()
    found: dict[str, Package] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None or match["name"] == "bertie":  # an extra that is made of others
            continue
        known = found.get(match["name"])
        extras = (*(known.extras if known else ()), *_EXTRA.findall(line))
        required = match["versions"].strip()
        found[match["name"]] = Package(match["name"], required, extras, installed(match["name"]))
    return tuple(found.values())
