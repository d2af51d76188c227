"""Measure the search: how good on Cranfield, how fast among a million vectors, how soon on a CSV.

    python benchmarks/search.py cranfield MODEL CRANFIELD
    python benchmarks/search.py million MODEL DATA DIRECTORY [--rows N] [--first-pass int8]
    python benchmarks/search.py csv MODEL

cranfield: nDCG@10 of the search by meaning, by words and by both, with the constants as they are.
CRANFIELD holds cran.all.1400, cran.qry and cranqrel.

million: 40 000 of DATA's sentences, and noisy copies of their vectors at cosines from
0.7 to 0.95, in an index at DIRECTORY (used again if it is there). 1000 others are the queries:
recall of the ten nearest against the exact search, and the latency of `Index.search` with the
query's vector, one after another.

csv: the whole process of `bertie search` on 10 000 rows, the second time and later; modules are
compiled beforehand, as pip does it when it installs. CPU time is what counts on a machine that does
other things, too; beside it stands a process that imports NumPy and nothing else.
"""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bertie.evaluate.ranking import score_rankings
from bertie.loading.load import load
from bertie.search import Index
from bertie.search.rows import CONTENT, CUT, KEY, TOKENS

QUERIES = 1000
SENTENCES = 40_000
K = 10
_CHUNK = 20_000  # vectors made and written at a time


def cranfield(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Score three ways to search."""
    data = arguments.data
    documents = dict(_cranfield(data / "cran.all.1400"))
    queries = [text for _, text in _cranfield(data / "cran.qry")]  # judged by their order
    relevance: dict[str, dict[str, float]] = {}
    for line in (data / "cranqrel").read_text().splitlines():
        query, document, grade = line.split()[:3]
        # 1 is the best of the grades, 4 the least; 5 and -1 are of no interest.
        relevance.setdefault(query, {})[document] = float(
            max(0, 5 - int(grade)) if int(grade) > 0 else 0
        )
    with tempfile.TemporaryDirectory() as place:
        index = Index.create(Path(place) / "index", model=arguments.model, key="id")
        index.add({"id": id, "text": text} for id, text in documents.items())
        found = {}
        for mode in ("vector", "text", "hybrid"):
            rankings = {
                str(number): [match.key for match in index.search(text, K, mode=mode)]
                for number, text in enumerate(queries, start=1)
            }
            found[mode] = round(score_rankings(relevance, rankings, K).ndcg, 4)
    return {"documents": len(documents), "queries": len(queries), "ndcg@10": found}


def _cranfield(path: Path) -> Iterator[tuple[str, str]]:
    """Read the texts (.T title and .W words) of one of Cranfield's files."""
    for part in re.split(r"^\.I ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        id, _, rest = part.partition("\n")
        fields = dict(re.findall(r"^\.([TABW])\n(.*?)(?=^\.[TABWX]\n|\Z)", rest, re.M | re.S))
        yield id.strip(), " ".join(f"{fields.get('T', '')} {fields.get('W', '')}".split())


def million(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Time an approximate index and compare it with the exact search."""
    model = load(arguments.model, task="embed")
    texts = sentences(arguments.data)
    order = np.random.default_rng(1).permutation(len(texts))
    queries = [texts[place] for place in order[:QUERIES]]
    query_vectors = model.embed(queries)
    made: dict[str, float] = {}
    if not (arguments.directory / "index.json").exists():
        kept = [texts[place] for place in order[QUERIES : QUERIES + SENTENCES]]
        made = _fill(model, kept, arguments)
    index = Index.open(arguments.directory, model=model)
    if not index.settings.trained:
        start = time.perf_counter()
        index.add([])  # which makes the indices that are due
        made["indexing_s"] = round(time.perf_counter() - start, 1)
    exact, exact_s = _searched(index, queries[:200], query_vectors, exact=True)
    found, found_s = _searched(index, queries, query_vectors, exact=False)
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact, found, strict=False)])
    return {
        **made,
        "rows": len(index),
        "first_pass": index.settings.first_pass,
        "recall@10": round(float(recall), 4),
        **_milliseconds("latency", found_s),
        **_milliseconds("exact", exact_s),
    }


def sentences(data: Path) -> list[str]:
    """Every sentence of the shared sets, once."""
    found: dict[str, None] = {}
    for path in sorted(data.rglob("*")):
        if path.suffix not in (".csv", ".tsv", ".txt", ".jsonl") or "cranfield" in path.parts:
            continue
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
            for cell in re.split(r"[\t]", line):
                if 20 <= len(cell) <= 400 and " " in cell:
                    found[cell.strip()] = None
    return list(found)


def _fill(model: Any, texts: list[str], arguments: argparse.Namespace) -> dict[str, float]:
    """Write the sentences' vectors and noisy copies of them, and make the indices."""
    start = time.perf_counter()
    vectors = np.stack(list(model.embed_stream(texts, kind="document")))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embedded = time.perf_counter()
    index = Index.create(arguments.directory, model=model, first_pass=arguments.first_pass)
    random = np.random.default_rng(2)
    for first in range(0, arguments.rows, _CHUNK):
        numbers = np.arange(first, min(first + _CHUNK, arguments.rows))
        sources = numbers % len(texts)
        some = vectors[sources]
        copies = numbers >= len(texts)
        some[copies] = noisy(some[copies], random)
        columns = {
            KEY: [str(n) for n in numbers],
            CONTENT: [str(n) for n in numbers],
            TOKENS: [0] * len(numbers),
            CUT: [0] * len(numbers),
            "text": [texts[n] for n in sources],
        }
        index.store.write(columns, some, 0)
    return {
        "sentences": len(texts),
        "embedding_s": round(embedded - start, 1),
        "writing_s": round(time.perf_counter() - embedded, 1),
    }


def noisy(vectors: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turn each unit vector by a random direction, to a cosine between 0.7 and 0.95."""
    noise = random.standard_normal(vectors.shape, np.float32)
    noise -= vectors * np.einsum("nd,nd->n", noise, vectors)[:, None]
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    cosines = random.uniform(0.7, 0.95, len(vectors)).astype(np.float32)[:, None]
    return vectors * cosines + noise * np.sqrt(1 - cosines**2)


def _searched(
    index: Index, queries: list[str], vectors: np.ndarray, *, exact: bool
) -> tuple[list[list[str]], list[float]]:
    """Search for each query. Returns: keys, and seconds."""
    for query, vector in zip(queries[:20], vectors, strict=False):  # what is cold
        index.search(query, K, vector=vector, exact=exact)
    keys, seconds = [], []
    for query, vector in zip(queries, vectors, strict=False):
        start = time.perf_counter()
        found = index.search(query, K, vector=vector, exact=exact)
        seconds.append(time.perf_counter() - start)
        keys.append([match.key for match in found])
    return keys, seconds


def _milliseconds(name: str, seconds: list[float]) -> dict[str, float]:
    """The median and the 99th percentile."""
    median, late = np.quantile(seconds, [0.5, 0.99]) * 1000
    return {f"{name}_median_ms": round(float(median), 2), f"{name}_p99_ms": round(float(late), 2)}


def table(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Time the command on a CSV that hasn't changed."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(
                (n, f"row {n} tells of {n % 97} birds and {n % 89} trees") for n in range(10_000)
            )
        command = [sys.executable, "-m", "bertie", "search", str(path), "birds in trees"]
        command += ["-m", arguments.model]
        compiled = {"PYTHONPYCACHEPREFIX": str(Path(place) / "compiled")}
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        first, *later = [_process(command, kept | compiled) for _ in range(8)]
        bare = [_process([sys.executable, "-c", "import numpy"], kept | compiled) for _ in range(8)]
    return {
        "rows": 10_000,
        "first_s": first[0],
        "later_wall_s": [wall for wall, _ in later],
        "later_cpu_s": [cpu for _, cpu in later],
        "numpy_cpu_s": [cpu for _, cpu in bare[1:]],
    }


def _process(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a process. Returns: how long it took and its CPU time, in seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(wall, 3), round(cpu, 3)


def main() -> None:
    """Read the arguments, measure, print JSON."""
    parser = argparse.ArgumentParser(description="Measure the search.")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("cranfield")
    one.add_argument("model")
    one.add_argument("data", type=Path)
    one.set_defaults(run=cranfield)
    one = commands.add_parser("million")
    one.add_argument("model")
    one.add_argument("data", type=Path)
    one.add_argument("directory", type=Path)
    one.add_argument("--rows", type=int, default=1_000_000)
    one.add_argument("--first-pass", default="int8")
    one.set_defaults(run=million)
    one = commands.add_parser("csv")
    one.add_argument("model")
    one.set_defaults(run=table)
    arguments = parser.parse_args()
    print(json.dumps(arguments.run(arguments)))


if __name__ == "__main__":
    main()
