"""bertie env"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertie import _core
from bertie.sources.manifest import Manifest
from tests.timeouts import TIMEOUT

from .conftest import Ran

Bertie = Callable[..., Ran]

SECRET = "s3cr3t"
SECRETS = {
    "BERTIE_KEY": SECRET,
    "BERTIE_API_KEYS": f"sha256:{SECRET}",
    "BERTIE_TRACES": f"https://me:{SECRET}@collector:4318/v1",
    "HF_TOKEN": f"hf_{SECRET}",
    "HF_ENDPOINT": f"https://{SECRET}@hub.example",
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-api={SECRET}",
    "PIP_INDEX_URL": f"https://index.example/{SECRET}/simple",
    "https_proxy": f"me:{SECRET}@proxy:3128",
    "AWS_SECRET_ACCESS_KEY": SECRET,
}


def test_everything_is_said_in_json_by_these_names(bertie: Bertie) -> None:
    ran = bertie("env", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert {
        name: set(value) if isinstance(value, dict) else 0 for name, value in found.items()
    } == {
        "faults": 0,
        "bertie": 0,
        "directory": 0,
        "python": {"version", "implementation", "executable"},
        "packages": 0,
        "system": {"platform", "distribution", "machine", "libc", "memory"},
        "cpu": {
            "name",
            "features",
            "cores",
            "affinity_cores",
            "quota_cores",
            "machine_cores",
        },
        "core": {"compiler", "built_isas", "found_isas"},
        "choice": {"isa", "auto"},
        "variables": set(found["variables"]),
        "offline": 0,
        "cache": {"directory", "bytes", "models"},
    }
    assert set(found["choice"]["auto"]) == {"value", "origin"}
    assert all(set(one) == {"name", "required", "extras", "version"} for one in found["packages"])
    assert bertie("env").out == ran.out  # as all commands in a pipe
    assert bertie("env", "--as", "jsonl").out == ran.out


def test_a_person_gets_one_screen(bertie: Bertie) -> None:
    ran = bertie("env", "--as", "table")
    assert (ran.code, ran.err) == (0, "")
    assert f"core built by   {_core.compiler()}" in ran.out
    assert os.environ["BERTIE_HOME"] in ran.out
    assert len(ran.out.splitlines()) < 45


@pytest.mark.parametrize("show_as", ["table", "jsonl"])
def test_no_secret_is_said(show_as: str, bertie: Bertie, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    ran = bertie("env", "--as", show_as)
    assert ran.code == 0
    assert SECRET not in ran.out + ran.err
    told = set(SECRETS) - {"AWS_SECRET_ACCESS_KEY"}
    assert all(name in ran.out for name in told)


@pytest.mark.parametrize("show_as", ["table", "jsonl"])
def test_what_is_broken_is_said_first_and_the_exit_code_is_1(
    show_as: str, bertie: Bertie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("BERTIE_ISA", "avx1024")
    monkeypatch.setenv("BERTIE_OFFLINE", "perhaps")
    ran = bertie("env", "--as", show_as)
    assert (ran.code, ran.err) == (1, "")
    if show_as == "table":
        starts = [line.split(" ")[0] for line in ran.out.splitlines()[:4]]
        assert starts == ["broken:", "broken:", "broken:", "bertie"]
        assert "\noffline         unknown\n" in ran.out
    else:
        assert len(json.loads(ran.out)["faults"]) == 3


def test_a_value_of_several_lines_takes_one(
    bertie: Bertie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTIE_DEFAULT", "one\ntwo\x1b[0m")
    assert r"BERTIE_DEFAULT: 'one\ntwo\x1b[0m'" in bertie("env", "--as", "table").out
    found = json.loads(bertie("env", "--json").out)
    assert found["variables"]["BERTIE_DEFAULT"] == "one\ntwo\x1b[0m"


def test_it_asks_nobody_starts_no_program_and_reads_no_model(
    tmp_path: Path, tiny_bert: Path
) -> None:
    model = tmp_path / "models" / "hub" / "org" / "name"
    shutil.copytree(tiny_bert, model)
    Manifest.of(model, source="org/name", origin="hub").write(model)
    code = """if True:
        import sys
        from bertie.cli.main import run

        def told(event, arguments):
            read = event == "open" and str(arguments[0]).endswith((".safetensors", "vocab.txt"))
            if event == "subprocess.Popen" and arguments[0] == "uname":  # Python's platform
                return
            if read or event.startswith(("socket.", "subprocess.")):
                print(event, arguments, file=sys.stderr)

        sys.addaudithook(told)
        run(["env"])
        if sys.argv[1:]:
            run(["info", "org/name"])
    """
    for more in ((), ("info",)):  # the second shows that the hook sees what it should
        ran = subprocess.run(
            [sys.executable, "-c", code, *more],
            env={**os.environ, "BERTIE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT,
        )
        assert '"source": "org/name"' in ran.stdout
        assert (ran.stderr == "") is not bool(more), ran.stderr
