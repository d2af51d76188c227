"""What a comparison found, as JSON keeps it and as documents show it."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What a CPU can multiply natively, by the flags that Linux lists.
_FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def machine() -> dict[str, Any]:
    """Name the CPU and what it multiplies natively."""
    fields: dict[str, str] = {}
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    return {
        "cpu": fields.get("model name", platform.machine()),
        "isa": [flag for flag in _FLAGS if flag in flags],
        "native_bfloat16": bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags)),
    }


def memory(field: str) -> int:
    """Read a field of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status has no {field}; this needs Linux")


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median of the rounds, and the ends."""
    return {"median": median(values), "least": min(values), "most": max(values)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """How many times as fast ours was, round by round. Args: seconds of each round."""
    return spread([b / a for a, b in zip(ours, theirs, strict=True)])


def fidelity(vectors: NDArray[np.float32], reference: NDArray[np.float32]) -> dict[str, float]:
    """The cosine between each vector and the reference's, on average and at worst."""
    a, b = vectors.astype(np.float64), reference.astype(np.float64)
    cosines = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return {"mean": float(cosines.mean()), "least": float(cosines.min())}


def tables(result: Mapping[str, Any]) -> str:
    """Write a result as Markdown."""
    return "\n\n".join((_heading(result), _speeds(result), _ratios(result), *_left_out(result)))


def _heading(result: Mapping[str, Any]) -> str:
    texts = result["texts"]
    counted = " and ".join(
        f"{texts[kind]['count']} {kind} texts of {texts[kind]['mean_tokens']:.0f} tokens"
        for kind in ("short", "long")
    )
    lines = [
        f"{result['model']}, {result['date']}, {result['machine']['cpu']} "
        f"({', '.join(result['machine']['isa'])}), {result['threads']} threads, "
        f"{result['rounds']} rounds of {counted} on average, and of {texts['one']['count']} calls "
        f"with one short text. Others' load on the machine: {result['load']['before']:.1f} before "
        f"the rounds. `{result['command']}`"
    ]
    if not result["machine"]["native_bfloat16"]:
        lines.append(
            "This CPU does not multiply bfloat16 natively: engines round to it and multiply in "
            "float32, which costs time instead of saving it."
        )
    return " ".join(lines)


def _speeds(result: Mapping[str, Any]) -> str:
    lines = [
        "| engine | precision | short, tokens/s | long, tokens/s | of peak, short / long "
        "| cosine, mean / least | one short text, ms | memory, MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for engine in result["engines"]:
        short, long = (engine["tokens_per_second"][kind]["median"] for kind in ("short", "long"))
        share = (
            ""
            if engine["peak_share"] is None
            else " / ".join(
                f"{100 * engine['peak_share'][kind]['median']:.0f} %" for kind in ("short", "long")
            )
        )
        cosine = f"{engine['cosine']['mean']:.5f} / {engine['cosine']['least']:.4f}"
        lines.append(
            f"| {engine['name']} | {_precision(engine)} | {short:,.0f} | {long:,.0f} | {share} "
            f"| {cosine} | {engine['one_ms']['median']:.2f} "
            f"| {engine['resident_bytes'] / 1e6:,.0f} |"
        )
    return "\n".join(lines)


def _precision(engine: Mapping[str, Any]) -> str:
    """What was asked of an engine, and what it says it ran where that is something else."""
    ran = str(engine["notes"].get("precision", ""))
    ran = {"f32": "float32", "bf16": "bfloat16"}.get(ran, ran)
    wanted = str(engine["precision"])
    return wanted if ran in ("", wanted) else f"{wanted} (ran {ran})"


def _ratios(result: Mapping[str, Any]) -> str:
    names = {
        engine["key"]: f"{engine['name']} {engine['precision']}" for engine in result["engines"]
    }
    lines = [
        "How many times as fast: the median of the rounds' ratios, and the least and most.",
        "",
        "| | against | short | long | one short text |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for ours, peers in result["ratios"].items():
        for peer, found in peers.items():
            cells = [
                f"{found[kind]['median']:.2f} ({found[kind]['least']:.2f} to "
                f"{found[kind]['most']:.2f})"
                for kind in ("short", "long", "one")
            ]
            lines.append(f"| {names[ours]} | {names[peer]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _left_out(result: Mapping[str, Any]) -> list[str]:
    return [f"Left out: {key}, for {why}." for key, why in result["left_out"].items()]


def write_between(page: Path, name: str, content: str) -> None:
    """Replace what stands between a page's two comments of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{page} has no place for {name}: expected {begin} and {end}, once each")
    before, after = text.split(begin)[0], text.split(end)[1]
    page.write_text(f"{before}{begin}\n\n{content}\n\n{end}{after}", encoding="utf-8")
