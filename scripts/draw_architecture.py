"""Draw docs/images/architecture.svg: the wings in the order that the import test holds them to.

What a wing is comes from its own first line. Run it after a change to the wings or those lines:

    PYTHONPATH=. python scripts/draw_architecture.py
"""

import ast
from html import escape
from pathlib import Path
from textwrap import wrap

from tests.test_imports import WINGS

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGE = ROOT / "src" / "bertie"

# What a wing is to whom → its colour.
COLOURS = {
    "#f3d9c4": {"cli", "server", "client"},
    "#f6eac2": {"jobs", "search", "export", "verify", "evaluate", "bench", "environment"},
    "#cfe3d4": {"loading", "tasks", "calls"},
    "#c9dcef": {"engine", "_core"},
    "#dcd6ec": {"opened", "tokenize", "checkpoint", "sources"},
}
OTHERS = "#e6e6e3"
CORE = "C++ and SIMD: tokenizing, the forward pass, pooling, heads; compiled for each CPU"
# The two ways through, as docs/architecture.md numbers their steps: wing → steps.
WAYS = {
    "a source\nto a model": {
        "loading": "1 4 6",
        "sources": "2",
        "opened": "3",
        "tasks": "5",
        "engine": "7",
    },
    "a text\nto a vector": {
        "tasks": "1 7",
        "calls": "2 4",
        "tokenize": "3",
        "engine": "5",
        "_core": "6",
    },
}

WIDTH, MARGIN, GAP, HEAD, LINE = 1000, 20, 8, 64, 15
LANE = 96  # of each way through
STEP = 26
BODY = WIDTH - 2 * MARGIN - LANE * len(WAYS)
FONT = "font-family='Helvetica, Arial, sans-serif'"


def picture() -> str:
    """The whole picture."""
    rows = [sorted(wings - {"_moved", "_core", "__main__"}) for wings in reversed(WINGS)]
    rows = [row for row in rows if row] + [["_core"]]
    parts, top = [], HEAD
    levels = {}
    for row in rows:
        width = (BODY - GAP * (len(row) - 1)) / len(row)
        texts = [wrap(_sentence(wing), int((width - 20) / 6.4)) for wing in row]
        height = 30 + LINE * max(map(len, texts))
        for number, (wing, lines) in enumerate(zip(row, texts, strict=True)):
            levels[wing] = top + height / 2
            parts.append(_box(wing, lines, MARGIN + number * (width + GAP), top, width, height))
        top += height + GAP
    for number, (name, steps) in enumerate(WAYS.items()):
        centre = WIDTH - MARGIN - LANE * (len(WAYS) - number - 0.5)
        parts.append(_way(name, steps, levels, centre))
    caption = "Each wing imports from those below it only."
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {top + MARGIN}'"
            f" role='img' aria-label='The wings of Bertie. {caption}'>",
            f"<rect width='{WIDTH}' height='{top + MARGIN}' fill='#ffffff'/>",
            _text(MARGIN, 28, "Bertie's wings", 19, bold=True),
            _text(MARGIN, 50, caption, 13),
            *parts,
            "</svg>",
            "",
        ]
    )


def _sentence(wing: str) -> str:
    """What a wing says that it is."""
    if wing == "_core":
        return CORE
    path = PACKAGE / wing / "__init__.py"
    path = path if path.is_file() else PACKAGE / f"{wing}.py"
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not said:
        raise SystemExit(f"{path} has no docstring; say in its first line what it is")
    return said.splitlines()[0].rstrip(".")


def _box(wing: str, lines: list[str], left: float, top: float, width: float, height: float) -> str:
    """One wing."""
    colour = next((colour for colour, wings in COLOURS.items() if wing in wings), OTHERS)
    name = "core" if wing == "_core" else wing
    texts = [_text(left + 10, top + 19, name, 14, bold=True)]
    texts += [
        _text(left + 10, top + 19 + LINE * number, line, 12) for number, line in enumerate(lines, 1)
    ]
    box = (
        f"<rect x='{left:.0f}' y='{top:.0f}' width='{width:.0f}' height='{height:.0f}' rx='4'"
        f" fill='{colour}'/>"
    )
    return "\n".join([box, *texts])


def _way(name: str, steps: dict[str, str], levels: dict[str, float], centre: float) -> str:
    """One way: a line from its highest wing to its lowest, with the numbers of its steps."""
    heights = [levels[wing] for wing in steps]
    parts = [
        f"<line x1='{centre:.0f}' y1='{min(heights):.0f}' x2='{centre:.0f}'"
        f" y2='{max(heights):.0f}' stroke='#8a8a8a' stroke-width='2'/>"
    ]
    for number, line in enumerate(name.split("\n")):
        parts.append(_text(centre, 28 + 17 * number, line, 13, bold=True, middle=True))
    for wing, numbers in steps.items():
        found = numbers.split()
        for place, number in enumerate(found):
            x = centre + STEP * (place - (len(found) - 1) / 2)
            parts.append(f"<circle cx='{x:.0f}' cy='{levels[wing]:.0f}' r='11' fill='#3d4a5c'/>")
            parts.append(_text(x, levels[wing] + 4.5, number, 13, colour="#ffffff", middle=True))
    return "\n".join(parts)


def _text(
    x: float,
    y: float,
    text: str,
    size: int,
    *,
    bold: bool = False,
    middle: bool = False,
    colour: str = "#1d2733",
) -> str:
    """One line of text."""
    weight = " font-weight='bold'" if bold else ""
    anchor = " text-anchor='middle'" if middle else ""
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' {FONT} font-size='{size}' fill='{colour}'{weight}{anchor}>"
        f"{escape(text)}</text>"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
