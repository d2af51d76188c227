"""A job that was broken off goes on, ends with the same bytes, or says what changed."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import bertie
from bertie.errors import InputError
from bertie.jobs import manifest
from bertie.jobs.job import Job
from bertie.jobs.layout import layout_of
from bertie.jobs.report import Summary
from tests.timeouts import TIMEOUT

from .conftest import csv_of, lines, sentences, table

Embed = Callable[..., Summary]


class Killed(Exception):
    """The test ended a run."""


def stop_after(shards: int) -> Callable[..., None]:
    """Make an observer that ends a run when so many shards are finished."""

    def observe(progress: Any) -> None:
        if progress.rows >= 16 * shards:
            raise Killed

    return observe


def output(directory: Path) -> dict[str, bytes]:
    """Read a job's output, of one file or several, its rejects with it."""
    names = ["out.parquet", "out.parquet.rejects.jsonl", "shards/_rejects.jsonl"]
    paths = [directory / name for name in names] + sorted(directory.glob("shards/part-*"))
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def command(rows: Path, model: Path, output_name: Path, *more: object) -> list[str]:
    """A job as a command of its own."""
    arguments = ["run", "embed", rows, "-o", output_name, "-m", model, "--shard-rows", "16", *more]
    return [sys.executable, "-m", "bertie", *map(str, arguments)]


@pytest.mark.parametrize("output_name", ["out.parquet", "shards"])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    output_name: str, embed: Embed, rows: Path, tiny_sentence: Path, tmp_path: Path
) -> None:
    with rows.open("ab") as more:
        more.write(b"bad\n" + csv_of(sentences(700)).encode().split(b"\n", 1)[1])
    arguments = command(rows, tiny_sentence, tmp_path / output_name)
    finished = layout_of(Job("embed", (str(rows),), tmp_path / output_name)).records_directory
    random = Random(11)
    for kill in range(1, 3):
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        end = time.monotonic() + TIMEOUT
        while process.poll() is None and len([*finished.glob("*.json")]) < 5 * kill:
            assert time.monotonic() < end, "it did not finish shards"
            time.sleep(0.005)
        time.sleep(random.random() / 20)
        process.kill()
        process.wait()
        assert not (tmp_path / "out.parquet").exists()
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert "shards were done before" in ran.stderr
    assert "1 rows rejected" in ran.stderr
    broken_off = output(tmp_path)
    embed(rows, output=output_name, restart=True)
    assert output(tmp_path) == broken_off
    assert not [*tmp_path.rglob("*.unfinished")]


def test_a_run_that_goes_on_gives_columns_the_same_types(
    embed: Embed, mixed: Path, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        embed(mixed, observe=stop_after(1))
    assert embed(mixed).resumed > 0
    broken_off = output(tmp_path)
    kinds = {one.name: str(one.type) for one in table(tmp_path / "out.parquet").schema}
    assert (kinds["price"], kinds["late"], kinds["any"]) == ("double", "string", "string")
    embed(mixed, restart=True)
    assert output(tmp_path) == broken_off


def test_a_finished_job_is_not_done_again(embed: Embed, rows: Path, tmp_path: Path) -> None:
    first = embed(rows)
    written = (tmp_path / "out.parquet").stat().st_mtime_ns
    again = embed(rows)
    assert again.counts == first.counts
    assert again.resumed == again.shards == first.shards
    assert (tmp_path / "out.parquet").stat().st_mtime_ns == written
    (tmp_path / "out.parquet").unlink()
    with pytest.raises(InputError, match="its output is gone; make it again by --restart"):
        embed(rows)
    embed(rows, restart=True)
    assert table(tmp_path / "out.parquet").num_rows == 100


def broken_off(embed: Embed, rows: Path) -> None:
    """Leave a job of 100 rows with some shards finished."""
    with pytest.raises(Killed):
        embed(rows, observe=stop_after(3))


def test_changes_are_refused_and_named(
    embed: Embed, rows: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    broken_off(embed, rows)
    for said, other in {
        "precision was .*, is int8": {"load": {"precision": "int8"}},
        "the model's fingerprint was [0-9a-f]{12}…, is [0-9a-f]{12}…": {"model": str(tiny_bert)},
        "output was not given, is float16": {"options": {"output": "float16"}},
        "rows of a shard was 16, is 32": {"shard_rows": 32},
        "there is no column id: string any more": {"keep": ("text",)},
    }.items():
        with pytest.raises(InputError, match=rf"begun by another job: .*{said}.*--restart"):
            embed(rows, **other)
    (tmp_path / "more.csv").write_text("id,text\n1,more\n")
    with pytest.raises(InputError, match=r"more\.csv was not in the input"):
        embed(rows, tmp_path / "more.csv")
    content = rows.read_bytes()
    rows.write_bytes(content + b"100,more\n")
    with pytest.raises(InputError, match=r"rows\.csv was \d+ bytes, is \d+"):
        embed(rows)
    rows.write_bytes(content.replace(b"cat", b"tac", 1))
    with pytest.raises(InputError, match=r"rows\.csv changed since the job was begun, in 16 rows"):
        embed(rows)
    rows.write_bytes(content)
    assert embed(rows).resumed > 0


def test_another_instruction_set_is_refused_unless_allowed(
    embed: Embed, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(embed, rows)
    monkeypatch.setattr("bertie.jobs.model.selected_isa", lambda: "another")
    with pytest.raises(InputError, match=r"isa was .*, is another.*--allow-other-isa goes on"):
        embed(rows)
    embed(rows, allow_other_isa=True)
    said = manifest.read(layout_of(Job("embed", (), tmp_path / "out.parquet")))
    assert said is not None
    assert {record["isa"] for record in said["shards"]} > {"another"}


def test_auto_precision_means_what_it_meant_at_first(
    embed: Embed, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        embed(rows, observe=stop_after(3), load={"precision": "bfloat16"})
    monkeypatch.setattr(
        "bertie.loading.settle.auto_precision", lambda: bertie.Setting("float32", "auto: another")
    )
    assert embed(rows, load={"precision": "auto"}).resumed > 0


def test_one_run_at_a_time(embed: Embed, rows: Path, tmp_path: Path) -> None:
    layout = layout_of(Job("embed", (), tmp_path / "out.parquet"))
    with layout.locked(), pytest.raises(InputError, match=r"another run \(process \d+ on .*\) is"):
        embed(rows)
    assert embed(rows).counts.rows == 100


def test_what_no_job_made_is_not_replaced(embed: Embed, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("precious")
    with pytest.raises(InputError, match="exists already, and no job made it"):
        embed(rows)
    assert (tmp_path / "out.parquet").read_text() == "precious"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    with pytest.raises(InputError, match="is not empty and has no job in it"):
        embed(rows, output="taken")
    with pytest.raises(InputError, match="is input and lies in the output"):
        embed(rows, output=".")


def test_too_many_bad_rows_end_the_run_and_are_listed(embed: Embed, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n" + "1\n" * 5 + csv_of(sentences(20)))
    with pytest.raises(InputError, match=r"5 rows were rejected, more than --max-errors 4"):
        embed(path, max_errors=4)
    assert len(lines(tmp_path / "out.parquet.rejects.jsonl")) == 5
    assert embed(path, max_errors=5).counts.rejected == 5


def test_standard_input_begins_anew_unless_it_is_kept(embed: Embed, tmp_path: Path) -> None:
    text = "\n".join(sentences(40)).encode()
    said: list[str] = []
    for _ in range(2):
        assert embed("-", stream=io.BytesIO(text), say=said.append).counts.rows == 40
    assert said == ["standard input can't be read again: beginning anew; --spool DIR keeps it"]
    kept = {"spool": tmp_path / "spool", "say": said.append, "output": "kept.parquet"}
    with pytest.raises(Killed):
        embed("-", stream=io.BytesIO(text), observe=stop_after(2), **kept)
    assert embed("-", stream=io.BytesIO(b""), **kept).resumed > 0
    assert "has an earlier run's standard input" in said[-1]
    assert table(tmp_path / "kept.parquet").equals(table(tmp_path / "out.parquet"))
    with pytest.raises(InputError, match="give --spool DIR"):
        embed("-", stream=io.BytesIO(text), on="ray", output="no.parquet")


def test_a_full_disk_fails_clearly_and_the_job_goes_on_afterwards(
    embed: Embed, rows: Path, tiny_sentence: Path, tmp_path: Path
) -> None:
    def full() -> None:  # what is longer can't be written, as where a quota ends
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    arguments = command(rows, tiny_sentence, tmp_path / "out.parquet")
    home = {**os.environ, "BERTIE_HOME": str(tmp_path / "home")}
    ran = subprocess.run(
        arguments, capture_output=True, text=True, timeout=TIMEOUT, preexec_fn=full, env=home
    )
    assert ran.returncode == 1
    assert "can't be written: File too large" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out.parquet").exists()
    assert embed(rows).counts.rows == 100
    assert not [*tmp_path.rglob("*.unfinished")]


def test_a_place_that_cannot_be_written_is_refused(embed: Embed, rows: Path) -> None:
    with pytest.raises(InputError, match="can't be written: Not a directory"):
        embed(rows, output="rows.csv/out.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("00000001.json", b""),
        ("00000001.json", b'{"shard": []}'),
        ("00000001.json", b"[1]"),
        ("00000001 (conflicted copy).json", None),
        ("00000002.json", None),
    ],
)
def test_a_shard_whose_record_says_nothing_is_done_again(
    embed: Embed, rows: Path, tmp_path: Path, name: str, content: bytes | None
) -> None:
    embed(rows)
    whole = output(tmp_path)
    (tmp_path / "out.parquet").unlink()
    (tmp_path / "out.parquet.job" / "manifest.json").unlink()
    broken_off(embed, rows)
    records = tmp_path / "out.parquet.job" / "finished"
    if content is None:
        content = (records / "00000001.json").read_bytes()
    (records / name).write_bytes(content)
    assert embed(rows).counts.rows == 100
    assert output(tmp_path) == whole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"asked": None}, "is broken"),
        ({"asked": {}}, "is broken .'input'"),
        ({"state": "other"}, "is broken .state"),
        ({"shards": None}, "is broken"),
        ({"counts": {"strange": 1}}, "is broken"),
        ({"manifest": 2}, "manifest.json is of format 2, expected 1: another version"),
    ],
)
def test_a_broken_manifest_is_refused(
    embed: Embed, rows: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    embed(rows)
    path = tmp_path / "out.parquet.job" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=f"{said}.*--restart"):
        embed(rows)
