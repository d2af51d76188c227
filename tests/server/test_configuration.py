"""Flags come before variables, those before the file, and that before what holds by default."""

from pathlib import Path

import pytest

from bertie.errors import InputError
from bertie.server.configuration import CONFIG, resolve_settings
from bertie.server.option import options_of
from bertie.server.settings import GROUPS, ModelSettings, SchedulingSettings

FILE = """
[engine]
workers = 3
queue_inputs = 70
max_memory = "2G"

[models.tiny]
source = "somewhere"
precision = "int8"
normalize = false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bertie.toml"
    path.write_text(FILE)
    return path


def test_the_first_that_says_something_wins(file: Path) -> None:
    environ = {"BERTIE_WORKERS": "2", "BERTIE_QUEUE_INPUTS": "60"}
    found = resolve_settings({"workers": 1}, file=file, environ=environ).engine
    assert (found.workers, found.queue_inputs, found.max_memory) == (1, 60, 2 * 10**9)
    assert found.batch_tokens == SchedulingSettings().batch_tokens


def test_a_flag_may_say_what_holds_by_default_against_the_file(file: Path) -> None:
    assert resolve_settings({"workers": 1}, file=file, environ={}).engine.workers == 1


def test_models_are_those_of_the_command_line_and_the_file(file: Path) -> None:
    given = {"other": ModelSettings("there")}
    found = resolve_settings(models=given, file=file, environ={}).models
    assert list(found) == ["other", "tiny"]
    assert found["tiny"] == ModelSettings("somewhere", {"precision": "int8", "normalize": False})
    mine = {"tiny": ModelSettings("mine")}
    assert resolve_settings(models=mine, file=file, environ={}).models == mine


def test_a_variable_names_the_file(file: Path) -> None:
    assert resolve_settings(environ={CONFIG: str(file)}).engine.workers == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[engine]\nworker = 1", r"\[engine\] has worker, expected some of workers,"),
        ("[engine]\nworkers = -1", r"engine.workers is -1, expected a whole number, at least 0"),
        ("[motor]\nworkers = 1", r"has 'motor', expected tables called engine, http"),
        ("engine = 1", "engine is 1, expected a table"),
        ("[models.a]\nprecision = 'int8'", r"\[models.a\] needs a source"),
        ("[models.a]\nsource = 'x'\npoling = 'cls'", r"\[models.a\] has poling, expected some of"),
        ("models = 1", "models is 1, expected tables"),
        ("engine", "is no TOML"),
    ],
)
def test_a_file_that_can_not_be_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bertie.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        resolve_settings(file=path, environ={})


def test_a_variable_that_can_not_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="BERTIE_WORKERS is 'many', expected a whole number"):
        resolve_settings(environ={"BERTIE_WORKERS": "many"})
    with pytest.raises(InputError, match=r"nowhere\.toml: No such file"):
        resolve_settings(file=tmp_path / "nowhere.toml", environ={})


def test_no_two_options_have_the_same_name() -> None:
    names = [one.name for group in GROUPS.values() for one in options_of(group)]
    assert len(names) == len(set(names))
