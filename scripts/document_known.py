"""Write the tables of files and keys in docs/checkpoints.md from bertie.known.

Run it after a change to a row: python scripts/document_known.py
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from bertie.known import KNOWN, Known

PAGE = Path(__file__).parent.parent / "docs" / "checkpoints.md"
BEGIN, END = "<!-- scripts/document_known.py: begin -->", "<!-- scripts/document_known.py: end -->"


def tables() -> str:
    """The tables, one for each file that has keys, and one for files as a whole."""
    whole = [row for row in KNOWN if not row.key]
    keyed = sorted((row for row in KNOWN if row.key), key=lambda row: _order(row.file))
    parts = [_table("File", whole)]
    for file, rows in groupby(keyed, key=lambda row: row.file):
        parts.append(_table(f"`{file}`", rows))
    return "\n".join(parts)


def page(text: str) -> str:
    """The whole page, given what it is now."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


def _order(file: str) -> int:
    """Keep the files in the table's order."""
    return [row.file for row in KNOWN].index(file)


def _table(title: str, rows: Iterable[Known]) -> str:
    """One table: rows of one fate and one effect stand together."""
    grouped: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        shown = f"`{row.key or row.file}`"
        names = grouped.setdefault((row.mark, row.effect, row.where), [])
        if shown not in names:
            names.append(shown)
    lines = [f"| {title} | | |", "| --- | --- | --- |"]
    for (mark, effect, where), names in grouped.items():
        of = f" ({', '.join(where)})" if where else ""
        lines.append(f"| {', '.join(names)}{of} | {mark} | {effect} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
