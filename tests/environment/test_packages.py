"""The packages that Bertie's metadata names, and those that are there."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from bertie.environment.packages import packages
from tests.timeouts import TIMEOUT


def write_metadata(place: Path, *requirements: str) -> None:
    """Install a Bertie of nothing but its metadata."""
    info = place / "bertie-9.9.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: bertie", "Version: 9.9"]
    lines += [f"Requires-Dist: {one}" for one in requirements]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


def test_the_base_is_there_in_the_versions_that_are_imported() -> None:
    found = {one.name: one for one in packages()}
    if not found:
        pytest.skip("Bertie runs from its sources without being installed")
    assert found["numpy"].version == np.__version__
    assert found["numpy"].extras == ()
    assert found["pytest"].version == version("pytest")
    assert found["pytest"].extras == ("test",)
    assert found["pyarrow"].extras[:2] == ("tables", "search")


def test_every_package_of_pyproject_is_listed() -> None:
    path = Path(__file__).parent.parent.parent / "pyproject.toml"
    if not path.is_file() or not packages():
        pytest.skip("the tests lie in no source tree, or Bertie isn't installed")
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {re.split(r"[\[<>=]", line)[0] for lines in groups for line in lines} - {"bertie"}
    assert {one.name for one in packages()} == named


def test_a_requirement_is_read_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_metadata(
        tmp_path,
        "numpy (>=1.26)",
        "no-such.package[data,x] >=2.40,<3 ; sys_platform != 'win32' and extra == 'far'",
        'no-such.package>=2.40 ; extra == "near"',
        "plain",
        "bertie[far] ; extra == 'all'",
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert [(one.name, one.required, one.extras) for one in packages()] == [
        ("numpy", ">=1.26", ()),
        ("no-such.package", ">=2.40", ("far", "near")),
        ("plain", "", ()),
    ]
    assert [one.version for one in packages()] == [np.__version__, None, None]


def test_listing_imports_none_of_them() -> None:
    code = (
        "import sys; from bertie.environment.packages import packages; packages();"
        "print({'numpy', 'pyarrow', 'rich', 'tokenizers', 'bertie._core'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    assert ran.stdout == "set()\n"
