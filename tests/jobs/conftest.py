"""What tests of jobs share: rows, jobs on tiny models, and what jobs wrote."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="pyarrow isn't installed")

import pyarrow.parquet as pq

from bertie.jobs.job import Job
from bertie.jobs.report import Summary
from bertie.jobs.run import How, run

WORDS = ["the", "old", "bridge", "who", "reads", "book", "cat", "dog", "bird", "sky", "a", "on"]


def sentences(count: int) -> list[str]:
    """Some short texts, the same every time."""
    random = Random(3)
    return [" ".join(random.choices(WORDS, k=random.randint(1, 12))) for _ in range(count)]


def csv_of(texts: list[str]) -> str:
    """Rows of an id and a text."""
    return "id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(texts))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A CSV of 100 rows."""
    path = tmp_path / "rows.csv"
    path.write_text(csv_of(sentences(100)))
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A JSONL of 60 rows, whose values change their types on the way."""
    path = tmp_path / "mixed.jsonl"
    rows: list[dict[str, Any]] = [{"text": text} for text in sentences(60)]
    for number, row in enumerate(rows):
        row["price"] = number if number < 20 else number + 0.25
        row["late"] = None if number < 40 else "a text"
        row["any"] = [number, 0.5, True, "text", None, [1], "\ud800"][number % 7]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def embed(tiny_sentence: Path, tmp_path: Path) -> Callable[..., Summary]:
    """Run an embedding job into out.parquet, in shards of 16 rows."""

    def call(*inputs: object, output: object = "out.parquet", **others: Any) -> Summary:
        options = {"task": "embed", "model": str(tiny_sentence), "shard_rows": 16}
        how = {name: others.pop(name) for name in list(others) if name in How.__annotations__}
        options = {**options, **others}
        job = Job(inputs=tuple(map(str, inputs)), output=tmp_path / str(output), **options)
        return run(job, How(**how))

    return call


def table(path: Path) -> Any:
    """Read Parquet, of one file or a directory of shards."""
    return pq.read_table(path)


def lines(path: Path) -> list[Any]:
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
