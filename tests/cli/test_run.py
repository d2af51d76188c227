"""bertie run: a job described by options, its progress, and what it says at the end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

from .conftest import Ran

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow isn't installed")


Bertie = Callable[..., Ran]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,the old bridge\n2\n3," + "who reads " * 200 + "\n")
    return path


def test_a_run_says_what_it_came_to(
    bertie: Bertie, tiny_sentence: Path, rows: Path, tmp_path: Path
) -> None:
    ran = bertie("run", "embed", rows, "-o", tmp_path / "out.parquet", "-m", tiny_sentence)
    assert (ran.code, ran.out) == (0, "")
    said = ran.err
    assert said.startswith(f"2 rows in {tmp_path}/out.parquet; ")
    assert "1 rows lost " in said
    assert f"1 rows rejected, see {tmp_path}/out.parquet.rejects.jsonl" in said
    assert "tokens/s" in said
    again = bertie("run", "embed", rows, "-o", tmp_path / "out.parquet", "-m", tiny_sentence)
    assert "1 of 1 shards were done before" in again.err
    refused = bertie(
        "run", "embed", rows, "-o", tmp_path / "out.parquet", "-m", tiny_sentence, "--vectors",
        "float16",
    )  # fmt: skip
    assert refused.code == 1
    assert "output was not given, is float16" in refused.err


def test_machines_get_lines_of_json(
    bertie: Bertie, tiny_sentence: Path, rows: Path, tmp_path: Path
) -> None:
    ran = bertie(
        "run", "embed", rows, "-o", tmp_path / "out", "-m", tiny_sentence, "--shards", "jsonl",
        "--progress", "json", "--price-per-hour", "2", "--keep", "id",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    first, *_, last = [json.loads(line) for line in ran.err.splitlines()]
    assert first["event"] == "progress"
    assert {"rows", "tokens_per_second", "seconds_left", "fraction"} <= {*first}
    assert last["event"] == "summary"
    assert (last["rows"], last["rejected"], last["truncated"]) == (2, 1, 1)
    # The seconds are rounded to thousandths.
    expected, rounding = (
        2 * seconds / 3600 / last["tokens"] * 1e6 for seconds in (last["seconds"], 0.0005)
    )
    assert last["cost_per_million_tokens"] == pytest.approx(expected, abs=1.01 * rounding)
    (part,) = (tmp_path / "out").glob("part-*.jsonl")
    assert {*json.loads(part.read_text().splitlines()[0])} == {"id", "embedding"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["embed", "--hypothesis", "{}"], "--hypothesis is no option of embed"),
        (["tag", "--label", "x"], "--label is no option of tag"),
        (["rank"], "give --query or --query-column"),
        (["rank", "--query", "q", "--query-column", "c"], "give --query or --query-column"),
        (["answer", "--query", "q"], "--query is no option of answer"),
        (["answer", "--pair-column", "c"], "--question-column is"),
        (["draw"], "'draw' is not one of"),
    ],
)
def test_wrong_usage_is_told(
    wrong: list[str], said: str, bertie: Bertie, rows: Path, tmp_path: Path
) -> None:
    task, *more = wrong
    ran = bertie("run", task, rows, "-o", tmp_path / "out.parquet", *more)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())


def test_standard_input_is_read_as_lines(
    process: Callable[..., object], tiny_sentence: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.parquet"
    ran = process("run", "tokenize", "-", "-o", output, "-m", tiny_sentence, input="a\nb\n")
    assert ran.returncode == 0, ran.stderr  # type: ignore[attr-defined]
    assert parquet.read_table(output).column("text").to_pylist() == ["a", "b"]


def test_who_breaks_a_run_off_is_told_how_it_goes_on(tiny_sentence: Path, tmp_path: Path) -> None:
    arguments = [
        *(sys.executable, "-m", "bertie", "run", "embed", "-", "-o", tmp_path / "out.parquet"),
        *("-m", tiny_sentence, "--spool", tmp_path / "spool"),
    ]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as ran:
        ends = time.monotonic() + TIMEOUT
        while not any((tmp_path / "spool").glob("*")):
            assert time.monotonic() < ends, "it never read"
            time.sleep(0.02)
        ran.send_signal(signal.SIGINT)
        _, said = ran.communicate(timeout=TIMEOUT)
    assert ran.returncode == 130
    assert "bertie: broken off; the same command goes on from here" in said
    assert "Traceback" not in said


def test_what_a_run_lacks_is_said_with_its_flag(
    bertie: Bertie, tiny_sentence: Path, rows: Path, tmp_path: Path
) -> None:
    ran = bertie("run", "next-sentence", rows, "-o", tmp_path / "out.parquet", "-m", tiny_sentence)
    assert (ran.code, "next-sentence needs --pair-column" in ran.err) == (2, True)
    (tmp_path / "empty.csv").write_text("")
    ran = bertie("run", "embed", tmp_path / "empty.csv", "-o", tmp_path / "out.parquet")
    assert (ran.code, "empty.csv is empty, expected rows" in ran.err) == (1, True)
