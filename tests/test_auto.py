"""Under `pytest --auto` a precision left to Bertie is the one asked for, in child processes too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bertie
from bertie import _core
from bertie.engine.encoder import auto_precision

MEANINGS = ("float32", "bfloat16")


def pytest_in_a_child(*arguments: str, isa: str) -> subprocess.CompletedProcess[str]:
    """Run the first test of this file in another process."""
    test = f"{__file__}::{test_auto_means_the_same_in_this_process_and_in_its_children.__name__}"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, test],
        env={**os.environ, "BERTIE_ISA": isa},
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_auto_means_the_same_in_this_process_and_in_its_children(
    tiny_bert: Path, pytestconfig: pytest.Config
) -> None:
    meaning = pytestconfig.getoption("auto") or auto_precision().value
    here = bertie.load(tiny_bert).info().settings["precision"]
    assert here.value == auto_precision().value == meaning
    command = [sys.executable, "-m", "bertie", "info", str(tiny_bert)]
    ran = subprocess.run(command, capture_output=True, check=True)
    there = json.loads(ran.stdout)["settings"]["precision"]
    assert (there["value"], there["origin"]) == (here.value, here.origin)


@pytest.mark.parametrize("meaning", MEANINGS)
def test_an_instruction_set_with_the_meaning_is_chosen_where_the_cpu_has_one(meaning: str) -> None:
    ran = pytest_in_a_child("--auto", meaning, isa="")
    assert ran.returncode == 0, ran.stdout
    assert f"auto: {meaning}, on " in ran.stdout
    assert "1 passed" in ran.stdout


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("isa", sorted({_core.available_isas()[0], "scalar"}))
def test_an_instruction_set_that_is_named_is_given_the_meaning(isa: str, meaning: str) -> None:
    ran = pytest_in_a_child("--auto", meaning, isa=isa)
    assert ran.returncode == 0, ran.stdout
    assert f"auto: {meaning}, on {isa}\n" in ran.stdout
    assert "1 passed" in ran.stdout


def test_a_meaning_that_auto_never_has_is_refused() -> None:
    ran = pytest_in_a_child("--auto", "int8", isa="")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'int8'" in ran.stderr
