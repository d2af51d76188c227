"""bertie serve: what its command line says to the server."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import click
import pytest

from bertie.cli.serve import _named, command
from bertie.server.option import options_of
from bertie.server.settings import GROUPS
from tests.server.serving import served
from tests.timeouts import TIMEOUT

from .conftest import Ran

Bertie = Callable[..., Ran]


def test_every_setting_that_is_declared_is_a_flag_with_its_variable(bertie: Bertie) -> None:
    shown = " ".join(bertie("serve", "--help").out.split())
    for group in GROUPS.values():
        for option in options_of(group):
            assert option.flag in shown
            assert option.variable in shown


def test_models_are_called_as_the_caller_says_or_by_their_directory(tmp_path: Path) -> None:
    (tmp_path / "sst2").mkdir()
    named = _named(("minilm", "org/name@main", f"a={tmp_path}", str(tmp_path / "sst2")), task=None)
    assert {name: model.source for name, model in named.items()} == {
        "minilm": "minilm",
        "org/name": "org/name@main",
        "a": str(tmp_path),
        "sst2": str(tmp_path / "sst2"),
    }
    assert _named(("pypi:model==1.0",))["pypi:model==1.0"].source == "pypi:model==1.0"
    assert _named(("minilm",), precision="int8")["minilm"].options == {"precision": "int8"}
    for wrong in (("a", "b=x", "b=y"), ("=x",), ("x=",)):
        with pytest.raises(click.BadParameter):
            _named(wrong)


def test_a_value_that_cannot_be_is_wrong_usage(bertie: Bertie) -> None:
    ran = bertie("serve", "--port", "http")
    assert ran.code == 2
    assert "--port is 'http', expected a whole number" in ran.err
    assert bertie("serve", "--workers", "-1").code == 2
    assert bertie("serve", "--config", "nowhere.toml").code == 2


def test_a_file_that_says_something_unknown_is_refused(bertie: Bertie, tmp_path: Path) -> None:
    (tmp_path / "bertie.toml").write_text("[engine]\nwrokers = 2\n")
    ran = bertie("serve", "--config", tmp_path / "bertie.toml")
    assert ran.code == 1
    assert "[engine] has wrokers" in ran.err


def test_its_arguments_are_documented() -> None:
    assert command.help is not None
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_it_serves_until_it_is_told_to_stop(tiny_sentence: Path, tmp_path: Path) -> None:
    with served("--max-length", "16", f"tiny={tiny_sentence}", log=tmp_path / "log") as running:
        with urlopen(running.url + "/v1/models", timeout=TIMEOUT) as response:
            (model,) = json.load(response)["data"]
        assert (model["id"], model["task"], model["max_length"]) == ("tiny", "embed", 16)
        with urlopen(running.url, timeout=TIMEOUT) as response:
            assert b"<title>Bertie</title>" in response.read()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(TIMEOUT) == 0
