"""What holds for every command: help, exit codes, errors in one line."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertie import load as load_function
from bertie.cli import main, options
from tests.generated import ROOT, generated, needs_scripts
from tests.timeouts import TIMEOUT

from .conftest import Ran, Terminal

Bertie = Callable[..., Ran]
Process = Callable[..., subprocess.CompletedProcess[str]]


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bertie.cli.main import run; run(['--help']);"
        "heavy = {'numpy', 'bertie._core', 'bertie.loading', 'rich', 'huggingface_hub', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    for name in main.COMMANDS:
        assert f"\n  {name} " in ran.stdout
    assert ran.stdout.endswith("[]\n")


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help(name: str, bertie: Bertie) -> None:
    ran = bertie(name, "-h")
    assert ran.code == 0
    assert "--debug" in ran.out


def test_the_version_is_the_packages(bertie: Bertie) -> None:
    try:
        expected = f"bertie {importlib.metadata.version('bertie')}"
    except importlib.metadata.PackageNotFoundError:
        expected = "run from its sources"
    assert expected in bertie("--version").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["embed", "a", "--nonsense"],
        ["embed", "a", "--threads", "0"],
        ["embed", "a", "--truncate", "middle"],
        ["embed", "a", "--precision", "float3"],
        ["embed", "a", "-i", "file.csv"],
        ["embed", "a", "-o", "file.parquet"],
        ["tokenize", "--ids", "1,x"],
        ["tokenize", "--ids", "1", "text"],
        ["search"],
        ["search", "file.csv", "query", "-k", "0"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], bertie: Bertie) -> None:
    ran = bertie(*arguments)
    assert ran.code == 2
    assert "Usage:" in ran.err
    assert ran.out == ""


def test_no_command_shows_the_help(bertie: Bertie) -> None:
    assert "Commands:" in bertie().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["embed", "a", "-m", "/nowhere"], "bertie: /nowhere does not exist"),
        (["info", "nonsense"], "bertie: 'nonsense' is neither a directory here nor"),
        (["search", "/nowhere.csv", "q"], "bertie: /nowhere.csv: No such file"),
        (["search", "file.xlsx", "q"], "bertie: file.xlsx: can't tell its format from '.xlsx'"),
    ],
)
def test_failed_work_is_1_with_one_line(arguments: list[str], said: str, bertie: Bertie) -> None:
    ran = bertie(*arguments)
    assert ran.code == 1
    assert ran.err.startswith(said)
    assert len(ran.err.splitlines()) == 1


def test_debug_shows_the_traceback_before_or_after_the_command(process: Process) -> None:
    for arguments in (["--debug", "info", "/nowhere"], ["info", "/nowhere", "--debug"]):
        ran = process(*arguments)
        assert ran.returncode == 1
        assert "Traceback" in ran.stderr
        assert "SourceError: /nowhere does not exist" in ran.stderr


def test_a_defect_of_ours_is_one_line_too(bertie: Bertie, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("bertie.sources.pull", broken)
    ran = bertie("pull")
    assert ran.code == 1
    assert ran.err == (
        "bertie: unexpected KeyError: 'oops'; this is a defect of Bertie's, --debug shows where\n"
    )


def test_a_reader_that_goes_away_is_no_error(tiny_sentence: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("a few words\n" * 3000)
    bertie = subprocess.Popen(
        [sys.executable, "-m", "bertie", "embed", "-m", str(tiny_sentence), "-i", str(lines)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert bertie.stdout is not None
    assert bertie.stderr is not None
    bertie.stdout.readline()
    bertie.stdout.close()
    assert bertie.stderr.read() == b""
    bertie.stderr.close()
    assert bertie.wait(TIMEOUT) == main.BROKEN_PIPE


def test_an_interrupt_is_130_without_a_traceback(tiny_sentence: Path) -> None:
    bertie = subprocess.Popen(
        [sys.executable, "-m", "bertie", "embed", "-m", str(tiny_sentence), "-o", "x.jsonl"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + TIMEOUT
    while not list(Path.cwd().glob(".x.jsonl*")):  # it waits for its input from then on
        assert time.monotonic() < ends, "it never began"
        time.sleep(0.02)
    os.kill(bertie.pid, signal.SIGINT)
    _, said = bertie.communicate(timeout=TIMEOUT)
    # `python -m` itself ends by the signal, which a shell calls 130 too, where that has met code in
    # exec(), such as a dataclass that is being made.
    assert bertie.returncode in (130, -signal.SIGINT)
    assert said.strip() == ""
    assert not Path("x.jsonl").exists()
    assert not list(Path.cwd().glob(".x.jsonl*"))


@pytest.fixture(
    params=[
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "C"],
)
def locale(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a process in which Unicode isn't the rule."""
    return {**os.environ, **request.param}


def test_any_character_can_be_printed_in_any_locale(
    locale: dict[str, str], process: Process, tiny_sentence: Path
) -> None:
    streams = {"input": "naïve 日本 🙂\r\nplain\r\n", "env": locale, "encoding": "utf-8"}
    for command in (["embed"], ["tokenize", "--format", "lines"]):
        ran = process(*command, "-m", tiny_sentence, **streams)
        assert ran.returncode == 0, ran.stderr
        assert [json.loads(line)["text"] for line in ran.stdout.splitlines()] == [
            "naïve 日本 🙂",
            "plain",
        ]
    again = process(
        "tokenize", "-m", tiny_sentence, "--format", "jsonl", **(streams | {"input": ran.stdout})
    )
    assert again.stdout == ran.stdout


def test_an_error_says_any_character_in_any_locale(
    locale: dict[str, str], process: Process
) -> None:
    streams = {"input": '{"größe 日本": 1}\n', "env": locale, "encoding": "utf-8"}
    ran = process("tokenize", "--format", "jsonl", **streams)
    assert ran.returncode == 1
    assert "'größe 日本'" in ran.stderr


def test_truncation_is_one_line_on_standard_error(bertie: Bertie, tiny_sentence: Path) -> None:
    ran = bertie("embed", "-m", tiny_sentence, "word " * 500, "--as", "table")
    assert ran.code == 0
    assert ran.err.startswith("bertie: warning: ")
    assert len(ran.err.splitlines()) == 1


def test_the_precisions_are_those_of_load() -> None:
    from bertie.engine.encoder import PRECISIONS

    assert load_function is not None
    assert ("auto", *PRECISIONS) == options.PRECISIONS


@needs_scripts
def test_the_cli_page_is_what_the_commands_say() -> None:
    written = generated("document_cli", "page")  # fails, too, when a command or option lacks help
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == written, "run python scripts/document_cli.py"


def test_a_progress_bar_is_shown_on_a_terminal_only(
    terminal: type[Terminal],
    bertie: Bertie,
    tiny_sentence: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe, seen = tmp_path / "lines.txt", threading.Event()
    os.mkfifo(pipe)

    def feed() -> None:  # however fast they are read, the work lasts until the bar is seen
        with pipe.open("w") as lines:
            while not seen.is_set():
                lines.write("a few words and then some more of them\n" * 100)

    threading.Thread(target=feed, daemon=True).start()
    arguments = ["embed", "-m", tiny_sentence, "-o", tmp_path / "out.npy", "-i"]
    shown = terminal(*arguments, pipe)
    shown.wait_for("texts/s")
    seen.set()
    assert shown.end() == 0
    assert "00 vectors" in shown.shown
    monkeypatch.setattr("bertie.cli.progress._DELAY", 0)
    monkeypatch.setattr(
        "bertie.cli.progress.ProgressBar._open", lambda _: pytest.fail("a bar is shown")
    )
    (tmp_path / "few.txt").write_text("a few words\n")
    assert bertie(*arguments, tmp_path / "few.txt").code == 0
