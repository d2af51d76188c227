"""A report as one page of HTML, with its plots inside."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Any

from bertie.verify.report import Report

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --faint: #6b7785; --paper: #fdfdfb;
  --line: #d8dde2; --bar: #2f6f9f; --good: #26734d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --faint: #98a3ae; --paper: #15191e;
  --line: #343c45; --bar: #6cb0e0; --good: #6fcf97; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--faint); white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); }
svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--faint); }
svg rect { fill: var(--bar); } svg line { stroke: var(--line); }
"""
_WIDTH, _HEIGHT, _FOOT, _HEAD = 640, 180, 34, 16  # of a plot, in pixels


def html_page(report: Report) -> str:
    """Write a report as HTML that needs nothing else: no script, no font, no network."""
    verdict = "passed" if report.passed else "failed"
    parts = [f'<h1>Parity: <span class="{verdict}">{verdict}</span></h1>']
    if report.faults:
        parts.append("<ul>" + "".join(f"<li>{escape(f)}</li>" for f in report.faults) + "</ul>")
    names = list(dict.fromkeys(name for side in report.sides for name in side))
    rows = [(name, *(str(side.get(name, "")) for side in report.sides)) for name in names]
    parts.append(_table(rows))
    parts.append(_table([(name, value) for name, value in summary(report)]))
    counts = [count for _, count in report.vectors.histogram]
    edges = [edge for edge, _ in report.vectors.histogram]
    parts.append("<h2>Distance of each text's vectors (1 − cosine), texts by power of ten</h2>")
    parts.append(_bars([f"≤ {edge:.0e}" for edge in edges], counts, [str(c) for c in counts]))
    if report.layers:
        parts.append("<h2>Largest difference of hidden states, by layer, logarithmic</h2>")
        labels = ["embeddings", *(str(n) for n in range(1, len(report.layers)))]
        heights = _logarithmic(report.layers)
        parts.append(_bars(labels, heights, [f"{value:.1e}" for value in report.layers]))
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Parity: {verdict}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def summary(report: Report) -> list[tuple[str, str]]:
    """Put a report's numbers into words, for a page or a terminal."""
    vectors, ranking = report.vectors, report.ranking
    count = report.texts["count"]
    fewer, bound = report.limits.least_tokens, _limit(report.limits.least_cosine)
    rows = [("texts", f"{count}, {report.texts['origin']}")]
    if report.equal_ids is not None:
        rows.append(("same token ids", f"{report.equal_ids} of {count} texts"))
    rows += [
        ("mean cosine", f"{vectors.mean_cosine:.7f}{_limit(report.limits.mean_cosine)}"),
        ("least cosine", f"{vectors.least_cosine:.7f}{'' if fewer else bound}"),
        ("its text", vectors.worst),
        *([(f"least of {fewer} tokens up", f"{vectors.counted_cosine:.7f}{bound}")] * bool(fewer)),
        ("vectors differ by", f"at most {vectors.max_abs:.3g}, {vectors.dimensions} dimensions"),
    ]
    if report.layers:
        limit = report.limits.max_abs
        most = "" if limit is None else f" (at most {limit:g})"
        rows.append(("hidden states differ by", f"at most {report.layers[-1]:.3g}{most}"))
    if ranking is not None:
        rows += [
            ("same nearest text", f"{ranking.first:.1%} of {ranking.queries}"),
            (f"same {ranking.neighbours} nearest", f"{ranking.shared:.1%}"),
        ]
    for kind, head in report.heads.items():
        agree = f"{head.agreement:.1%} of {head.rows} agree, logits differ by at most"
        rows.append((kind.replace("_", " "), f"{agree} {head.max_abs:.3g}"))
    return rows


def _limit(limit: float | None) -> str:
    """Say what was to be kept."""
    return "" if limit is None else f" (at least {limit:g})"


def _table(rows: Sequence[tuple[Any, ...]]) -> str:
    """Lay rows out, the first cell of each as its head."""
    lines = (
        f"<tr><th>{escape(str(head))}</th>"
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        + "</tr>"
        for head, *cells in rows
    )
    return "<table>" + "".join(lines) + "</table>"


def _logarithmic(values: Sequence[float]) -> list[float]:
    """Turn values into heights: the powers of ten by which they are above the least, plus one."""
    positive = [value for value in values if value > 0]
    if not positive:
        return [0.0] * len(values)
    floor = log10(min(positive)) - 1
    return [log10(value) - floor if value > 0 else 0.0 for value in values]


def _bars(labels: Sequence[str], heights: Sequence[float], tips: Sequence[str]) -> str:
    """Draw bars with a number over each and a word below."""
    step = _WIDTH / len(labels)
    room = _HEIGHT - _FOOT - _HEAD
    tallest = max(heights) or 1
    shapes = [f'<line x1="0" x2="{_WIDTH}" y1="{_HEAD + room}" y2="{_HEAD + room}"/>']
    every = -(-len(labels) // 14)  # as many words as there is room for
    for index, (label, height, tip) in enumerate(zip(labels, heights, tips, strict=True)):
        tall = room * height / tallest
        left, top = index * step, _HEAD + room - tall
        middle = left + step / 2
        shapes.append(
            f'<rect x="{left + step * 0.1:.1f}" y="{top:.1f}" width="{step * 0.8:.1f}"'
            f' height="{tall:.1f}"><title>{escape(label)}: {escape(tip)}</title></rect>'
        )
        if index % every == 0:
            shapes.append(_svg_text(middle, top - 4, tip))
            shapes.append(_svg_text(middle, _HEIGHT - _FOOT / 2, label))
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(shapes)}</svg>'


def _svg_text(x: float, y: float, text: str) -> str:
    """Write a word into a plot, centred."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'
