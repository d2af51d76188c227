"""The page at /: plain files, given out as they are, which need no build and no other network."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# The page loads nothing from elsewhere; the styles that it sets by script are values, not sheets.
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


@dataclass(frozen=True)
class PageFile:
    """One file of the page.

    Attributes:
        content_type: for its header.
        content: its bytes.
    """

    content_type: str
    content: bytes


@cache
def files() -> Mapping[str, PageFile]:
    """Read the page's files, each by its path on the server: the page itself is /."""
    here = Path(__file__).parent
    return {
        "/" if path.name == "index.html" else f"/page/{path.name}": PageFile(
            _TYPES[path.suffix], path.read_bytes()
        )
        for path in sorted(here.iterdir())
        if path.suffix in _TYPES
    }
