"""Names that files can have."""

import re
import sys

# Devices on Windows in every directory, whatever the suffix.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
# What can't stand in a name there, nor at its end, where it is dropped without a word.
_REFUSED = re.compile(r'[\x00-\x1f<>:"/\\|?*]|[. ]$')


def windows_name(name: str) -> str:
    """Spell a name so that a file on Windows can have it, by codes for what can't be."""
    if name.split(".")[0].rstrip(" ").lower() in _DEVICES:
        name = _code(name[0]) + name[1:]
    return _REFUSED.sub(lambda found: _code(found[0]), name)


def file_name(name: str) -> str:
    """Spell a name so that a file here can have it."""
    return windows_name(name) if sys.platform == "win32" else name


def _code(character: str) -> str:
    """Spell a character as URLs do."""
    return f"%{ord(character):02X}"
