"""Shards are the same rows with the same hash, read in order or one alone."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertie.errors import InputError
from bertie.jobs.chunk import Chunk
from bertie.jobs.files import find_files
from bertie.jobs.job import Job
from bertie.jobs.shards import InputReader

from .conftest import csv_of, sentences

TEXTS = sentences(50)
BAD = b'\nno columns\n"open\n7,caf\xe9\n\n8,"two\nlines"\n'


def plain(chunk: Chunk) -> Any:
    """What a shard holds, comparable."""
    rows = chunk.rows.to_pylist() if isinstance(chunk.rows, pa.Table) else chunk.rows
    return rows, chunk.numbers, chunk.bad


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
    files = find_files(job.inputs)
    everything = list(InputReader(files, job).scan())
    assert [shard.number for shard, _ in everything] == [*range(len(everything))]
    again = InputReader(files, job)
    for shard, chunk in [everything[4], everything[1], everything[2], *everything[::-1]]:
        assert plain(again.fetch(shard)) == plain(chunk)
        assert shard.rows == len(chunk.numbers) + len(chunk.bad)
    again.close()
    numbers = [number for _, chunk in everything for number, _ in chunk.numbers]
    bad = [row.number for _, chunk in everything for row in chunk.bad]
    assert sorted([*numbers, *bad]) == [*range(1, len(numbers) + len(bad) + 1)]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_shard_that_changed_is_refused(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    job = Job("embed", (str(path),), tmp_path / "out", shard_rows=7)
    shards = [shard for shard, _ in InputReader(find_files(job.inputs), job).scan()]
    data = path.read_bytes()
    path.write_bytes(data.replace(TEXTS[0].encode(), TEXTS[0][::-1].encode()))
    again = InputReader(find_files(job.inputs), job)
    with pytest.raises(InputError, match="changed while the job read them"):
        again.fetch(shards[0])
    again.close()
