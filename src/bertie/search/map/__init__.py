"""A map of an index: every row a point, as one page of HTML that needs nothing else."""

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from bertie.errors import InputError
from bertie.search.projection import project

if TYPE_CHECKING:
    from bertie.search.index import Index

LIMIT = 20_000  # points, unless more are asked for; a browser draws them smoothly
_TEXT, _VALUE = 400, 120  # characters of a text, and of another column's value, that are shown


@dataclass(frozen=True)
class Map:
    """A map.

    Attributes:
        html: the page.
        points: how many rows are on it, of `rows`.
        method: how they are laid out.
    """

    html: str
    points: int
    rows: int
    method: str


def draw(
    index: "Index", *, colour: str | None = None, method: str = "auto", limit: int = LIMIT
) -> Map:
    """Draw the rows of an index as points, near to one another where they mean like things.

    Args:
        colour: the column that colours them at first; the page can change it.
        method: as project's.
        limit: the most rows, drawn by lot where there are more; the same ones every time.
    Raises: InputError: an index without rows, no such column, a limit below 1.
    Raises: ExtraMissing: as project.
    """
    columns = index.columns
    if colour is not None and colour not in columns:
        raise InputError(f"no column {colour!r} to colour by, there are {', '.join(columns)}")
    if limit < 1:
        raise InputError(f"limit is {limit}, expected at least 1")
    rows, vectors = index.vectors(columns)
    if not rows:
        raise InputError(f"{index.path} has no rows, expected some to draw")
    some = np.sort(np.random.default_rng(0).permutation(len(rows))[:limit])
    points, method = project(vectors[some], method)
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - low) / max(float((high - low).max()), 1e-9)
    shown = [rows[n] for n in some]
    text = index.settings.column
    others = [name for name in columns if name != text]
    data = {
        "x": [round(float(x), 4) for x in points[:, 0]],
        "y": [round(float(y), 4) for y in points[:, 1]],
        "texts": [_cut(row["fields"][text], _TEXT) for row in shown],
        "columns": {
            name: [_shown(row["fields"][name]) for row in shown]
            for name in others
            if name != index.settings.key
        },
        "keys": [row["key"] for row in shown] if index.settings.key is not None else None,
        "colour": colour,
    }
    of = "" if len(shown) == len(rows) else f" of {len(rows):,}"
    title = f"{index.path.resolve().name}: {len(shown):,}{of} rows by {method.upper()}"
    return Map(_page(title, data), len(shown), len(rows), method)


def _page(title: str, data: dict[str, Any]) -> str:
    """The page, with its data, style and script inside."""
    home = files(__name__)
    style, script, page = (
        (home / name).read_text(encoding="utf-8") for name in ("map.css", "map.js", "map.html")
    )
    # Within a script element nothing may look like its end.
    packed = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = (
        packed.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )
    parts = {"TITLE": escape(title), "STYLE": style, "DATA": packed, "SCRIPT": script}
    before, *rest = page.split("{{")
    return before + "".join(
        parts[name] + after for name, after in (part.split("}}", 1) for part in rest)
    )


def _shown(value: Any) -> Any:
    """A value as the page shows it: a finite number, a truth, nothing, or a text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if abs(value) < 1e300 else str(value)
    return _cut(str(value), _VALUE)


def _cut(text: str, length: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= length else text[: length - 1] + "…"
