"""What is said of this machine, and what of one where something is broken."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie import _core
from bertie.environment import describe
from tests.timeouts import TIMEOUT

PACKAGE = Path(bertie.__file__).parent


def described(*paths: Path, **variables: str) -> dict[str, Any]:
    """Describe from a process of its own that imports from some directories first."""
    code = "import json; from bertie.environment import describe; "
    code += "print(json.dumps(describe().to_dict()))"
    search = os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=paths[0] if paths else None,
        env={**os.environ, "PYTHONPATH": search, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.fixture
def without_core(tmp_path: Path) -> Path:
    """A directory with a Bertie that has no core."""
    shutil.copytree(
        PACKAGE, tmp_path / "bertie", ignore=shutil.ignore_patterns("_core.*", "__pycache__")
    )
    return tmp_path


def test_a_machine_in_order_has_no_faults() -> None:
    found = describe()
    assert found.faults == ()
    assert found.python.version == platform.python_version()
    assert found.directory == str(PACKAGE)
    assert found.core is not None
    assert found.choice is not None
    assert set(found.core.found_isas) <= set(found.core.built_isas)
    assert found.choice.isa == (os.environ.get("BERTIE_ISA") or found.core.found_isas[0])
    assert found.cpu.name
    assert found.cpu.cores == _core.available_cores()
    assert found.cpu.cores <= (found.cpu.affinity_cores or 0)
    assert found.system.memory is None or found.system.memory > 2**28


def test_auto_is_told_in_the_words_of_a_models_info(tiny_bert: Path) -> None:
    choice = describe().choice
    assert choice is not None
    assert choice.auto == bertie.load(tiny_bert).info().settings["precision"]


def test_a_forced_instruction_set_is_the_chosen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTIE_ISA", "scalar")
    monkeypatch.setattr("bertie.engine.encoder.bfloat16_speed", lambda isa: "none")
    choice = describe().choice
    assert choice is not None
    assert choice.isa == "scalar"
    assert choice.auto.value == "float32"
    assert choice.auto.origin == "auto: scalar has no native bfloat16"


def test_an_instruction_set_that_is_none_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTIE_ISA", "avx1024")
    found = describe()
    assert found.choice is None
    (fault,) = found.faults
    assert fault.startswith("BERTIE_ISA is 'avx1024', which this build and CPU can't run; set it")
    assert found.variables["BERTIE_ISA"] == "avx1024"
    assert found.core is not None


def test_without_the_core_the_rest_is_told(without_core: Path) -> None:
    found = described(without_core)
    (fault,) = found["faults"]
    assert fault.startswith("the core can't be used: ImportError: ")
    assert found["directory"] == str(without_core / "bertie")
    assert (found["core"], found["choice"]) == (None, None)
    assert found["cpu"]["name"]
    assert found["cpu"]["machine_cores"] == os.cpu_count()
    assert found["system"]["platform"] == platform.platform()
    assert found["cache"]["directory"] == os.environ["BERTIE_HOME"]


def test_a_core_that_is_no_library_is_a_fault(without_core: Path) -> None:
    (without_core / "bertie" / Path(_core.__file__).name).write_bytes(b"no library")
    (fault,) = described(without_core)["faults"]
    assert fault.startswith("the core can't be used: ImportError: ")


def test_without_numpy_the_core_is_still_told(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('not\\nhere')")
    found = described(tmp_path)
    assert found["faults"] == ["nothing can be computed: ImportError: not here"]
    assert found["choice"] is None
    assert found["core"]["found_isas"] == _core.available_isas()


def test_a_cache_that_is_a_file_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("BERTIE_HOME", str(file))
    found = describe()
    assert (found.cache.directory, found.cache.bytes, found.cache.models) == (str(file), None, ())
    (fault,) = found.faults
    assert fault.startswith(f"the cache {file} can't be read: NotADirectoryError: ")


def test_an_offline_that_is_neither_yes_nor_no_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, meaning in (("1", True), ("no", False)):
        monkeypatch.setenv("BERTIE_OFFLINE", value)
        assert describe().offline is meaning
    monkeypatch.setenv("BERTIE_OFFLINE", "perhaps")
    found = describe()
    assert found.offline is None
    assert found.faults[0].startswith("BERTIE_OFFLINE is 'perhaps', expected one of 1, true")


def test_damaged_metadata_is_a_fault(tmp_path: Path) -> None:
    info = tmp_path / "bertie-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(b"Name: bertie\nRequires-Dist: \xff\n")
    found = described(tmp_path)
    assert found["core"] is not None
    assert any(
        "Bertie's packages can't be listed: UnicodeDecodeError" in f for f in found["faults"]
    )


def test_models_are_told_with_what_is_wrong_with_them(
    tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bertie.sources.manifest import Manifest

    monkeypatch.setenv("BERTIE_HOME", str(tmp_path))
    assert describe().cache.models == ()
    model = tmp_path / "models" / "hub" / "org" / "name"
    shutil.copytree(tiny_bert, model)
    Manifest.of(model, source="org/name", origin="hub").write(model)
    cache = describe().cache
    (found,) = cache.models
    assert (found.key, found.source, found.damage) == ("hub/org/name", "org/name", ())
    assert found.bytes == cache.bytes
    (model / "bertie-manifest.json").write_text("[" * 100_000)
    (found,) = describe().cache.models
    assert found.source is None
    assert found.damage == ("bertie-manifest.json is missing or can't be read",)
