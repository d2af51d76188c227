"""The plot of scaling.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_COLOURS = {"float32": "#1b6ca8", "bfloat16": "#d1811f", "int8": "#2f8f4e"}
_DOTS_PER_INCH = 90


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw cost against tokens per text, texts per call, and threads; speed against the shape."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5))
    for precision, found in result["series"].items():
        colour = _COLOURS.get(precision, "black")
        _line(axes[0, 0], found["tokens per text"], "tokens", "us_per_token", precision, colour)
        _line(axes[0, 1], found["texts per call"], "texts", "ms_per_text", precision, colour)
        _threads(axes[1, 0], found["threads"], precision, colour)
        _shapes(axes[1, 1], found, precision, colour)
    _label(axes[0, 0], "tokens per text, in bulk", "µs per token", log_y=False)
    _label(axes[0, 1], "texts of 16 tokens per call", "ms per text", log_y=True)
    _label(axes[1, 0], "threads", "times one thread's speed, in bulk", log_y=False)
    _label(axes[1, 1], "width, for 1 to 12 layers", "% of the multiply peak", log_y=False)
    figure.suptitle(f"{result['model']}, {result['machine']['cpu']}, {result['date']}", fontsize=10)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DOTS_PER_INCH)
    plt.close(figure)


def _line(axes: Any, found: Any, x: str, y: str, name: str, colour: str) -> None:
    axes.plot([one[x] for one in found], [one[y] for one in found], "o-", color=colour, label=name)


def _threads(axes: Any, found: Any, name: str, colour: str) -> None:
    """Each length's speed, relative to one thread's."""
    for tokens, style in zip(sorted({one["tokens"] for one in found}), ("o-", "s--"), strict=False):
        some = [one for one in found if one["tokens"] == tokens]
        base = some[0]["tokens_per_second"]
        speeds = [one["tokens_per_second"] / base for one in some]
        label = f"{name}, {tokens} tokens a text"
        axes.plot([one["threads"] for one in some], speeds, style, color=colour, label=label)


def _shapes(axes: Any, found: Mapping[str, Any], name: str, colour: str) -> None:
    """The band of all depths for each width, and its deepest."""
    shapes = found["layers × width"]
    widths = sorted({one["width"] for one in shapes})
    shares = [
        [100 * one["gflops"] / found["peak_gflops"] for one in shapes if one["width"] == width]
        for width in widths
    ]
    least, most, deepest = map(min, shares), map(max, shares), [some[-1] for some in shares]
    axes.fill_between(widths, list(least), list(most), color=colour, alpha=0.15)
    axes.plot(widths, deepest, "o-", color=colour, label=f"{name}, 12 layers")


def _label(axes: Any, x: str, y: str, *, log_y: bool) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if x == "threads":
        axes.set_xticks(sorted({int(n) for line in axes.lines for n in line.get_xdata()}))
    elif x.startswith("width"):
        axes.set_ylim(0, 100)
    else:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
    if log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
