"""What the environment says about the cache and the network, read when it is asked for."""

import os
import sys
from pathlib import Path

from bertie.errors import SourceError

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class Unreachable(SourceError):
    """The network isn't there or may not be used; where it is, the same call may succeed."""


def flag(name: str) -> bool:
    """Read a yes-or-no environment variable.

    Raises: SourceError: its value is neither a word for yes nor one for no.
    """
    value = os.environ.get(name, "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise SourceError(f"{name} is {value!r}, expected one of 1, true, yes, on, 0, false, no, off")


def offline() -> bool:
    """Whether BERTIE_OFFLINE forbids the network."""
    return flag("BERTIE_OFFLINE")


def cache_directory() -> Path:
    """Where Bertie keeps what it fetched or computed; the directory need not exist yet.

    Returns: BERTIE_HOME, else bertie under XDG_CACHE_HOME, else on Windows under LOCALAPPDATA, else
        ~/.cache/bertie.
    Raises: SourceError: none of them is set and this user has no home directory.
    """
    if home := os.environ.get("BERTIE_HOME"):
        return Path(home).expanduser().absolute()
    names = ("XDG_CACHE_HOME", "LOCALAPPDATA") if sys.platform == "win32" else ("XDG_CACHE_HOME",)
    for shared in (Path(os.environ.get(name, "")) for name in names):
        if shared.is_absolute():  # the XDG specification says to ignore a relative one
            return shared / "bertie"
    try:
        return Path.home() / ".cache" / "bertie"
    except RuntimeError:
        raise SourceError(
            "this user has no home directory to keep models in; set BERTIE_HOME to a directory"
        ) from None
