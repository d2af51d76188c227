"""Shards are the same rows with the same hash, read in order or one alone."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertie.errors import InputError
from bertie.jobs.content import Content
from bertie.jobs.files import find
from bertie.jobs.job import Job
from bertie.jobs.shards import Input

from .conftest import csv_of, sentences

TEXTS = sentences(50)
BAD = b'\nno columns\n"open\n7,caf\xe9\n\n8,"two\nlines"\n'


def plain(content: Content) -> Any:
    """What a shard holds, comparable."""
    rows = content.rows.to_pylist() if isinstance(content.rows, pa.Table) else content.rows
    return rows, content.numbers, content.bad


def write(path: Path) -> Path:
    """Write 50 good rows, and bad ones among them where the format can have any."""
    half = len(TEXTS) // 2
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": TEXTS}), path, row_group_size=20)
    elif path.suffix == ".jsonl":
        rows = [json.dumps({"text": text}) for text in TEXTS]
        path.write_text("\n".join([*rows[:half], "{}", "", "[", *rows[half:]]), encoding="utf-8")
    else:
        rows = csv_of(TEXTS).splitlines()
        data = "\n".join(rows[:half]).encode() + BAD + "\n".join(rows[half:]).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.txt", "a.parquet"])
def test_a_shard_alone_is_what_it_is_among_others(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    job = Job("embed", (str(path),), tmp_path / "out", shard_rows=7)
    files = find(job.inputs)
    everything = list(Input(files, job).scan())
    assert [shard.number for shard, _ in everything] == [*range(len(everything))]
    again = Input(files, job)
    for shard, content in [everything[4], everything[1], everything[2], *everything[::-1]]:
        assert plain(again.fetch(shard)) == plain(content)
        assert shard.rows == len(content.numbers) + len(content.bad)
    again.close()
    numbers = [number for _, content in everything for number, _ in content.numbers]
    bad = [row.number for _, content in everything for row in content.bad]
    assert sorted([*numbers, *bad]) == [*range(1, len(numbers) + len(bad) + 1)]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_shard_that_changed_is_refused(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    job = Job("embed", (str(path),), tmp_path / "out", shard_rows=7)
    shards = [shard for shard, _ in Input(find(job.inputs), job).scan()]
    data = path.read_bytes()
    path.write_bytes(data.replace(TEXTS[0].encode(), TEXTS[0][::-1].encode()))
    again = Input(find(job.inputs), job)
    with pytest.raises(InputError, match="changed while the job read them"):
        again.fetch(shards[0])
    again.close()
