"""Imports go one way, and importing Bertie loads nothing heavy."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bertie
from bertie._moved import EXPORTS, MOVED
from tests.timeouts import TIMEOUT

PACKAGE = Path(bertie.__file__).parent

# The wings, lowest first: each imports from those in rows above its own only, and from itself.
WINGS = (
    {"errors", "_core", "_moved"},
    {"system", "known", "arguments", "rows"},
    {"sources", "tables"},
    {"checkpoint"},
    {"tokenize"},
    {"engine"},
    {"opened"},
    {"calls"},
    {"tasks"},
    {"loading"},
    {"environment", "verify", "evaluate", "client"},
    {"bench", "search", "jobs", "export"},
    {"server"},
    {"cli"},
    {"__main__"},
)
WING = {name: number for number, names in enumerate(WINGS) for name in names}
# What may stand at the root beside the wings.
LOOSE = {"__init__", "__main__", "errors", "tables", "arguments", "opened", "_moved"}
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def home(name: str) -> str:
    """Find the file of a dotted name: that of the module, or of the module that it is in."""
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name


def imported(path: Path) -> Iterator[str]:
    """Name what a file imports of Bertie, wherever in the file, also for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively; say it in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            public = {alias.name for alias in node.names} & {*bertie.__all__, "__version__"}
            assert node.module != "bertie" or not public, f"import {public} from their homes"
        else:
            continue
        for name in names:
            if name.startswith("bertie."):
                yield name.removeprefix("bertie.")


IMPORTS = {name: {home(one) for one in imported(path)} - {name, ""} for name, path in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_only_from_the_wings_above_it(name: str) -> None:
    own = name.split(".")[0]
    assert own in WING, f"{own} has no place in WINGS"
    for other in {one.split(".")[0] for one in imported(FILES[name])} - {own}:
        assert WING[other] < WING[own], f"{own} imports {other}, which stands beside it or below"


def test_no_modules_import_one_another_in_a_loop() -> None:
    left = dict(IMPORTS)
    while True:
        # What imports nothing that is left, and what nothing that is left imports, is in no loop.
        needed = {other for others in left.values() for other in others}
        ends = [name for name, others in left.items() if not others & left.keys()]
        ends += [name for name in left if name not in needed]
        if not ends:
            break
        left = {name: others for name, others in left.items() if name not in ends}
    assert {name: sorted(others & left.keys()) for name, others in left.items()} == {}


def test_few_modules_stand_loose_at_the_root() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


def test_tokenizing_imports_nothing_of_the_model() -> None:
    for path in (PACKAGE / "tokenize").rglob("*.py"):
        for name in imported(path):
            wing, _, rest = name.partition(".")
            assert wing in {"tokenize", "errors", "arguments", "known", "sources", "_core"} or (
                rest.split(".")[0] in {"config", "protobuf"}
            )


def run(code: str) -> str:
    """Run a program in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module", ["bertie", "bertie.tokenize", "bertie.checkpoint.config", "bertie.errors"]
)
def test_importing_loads_neither_numpy_nor_the_core(module: str) -> None:
    names = ["numpy", "bertie._core", "huggingface_hub", "click", "rich", "tokenizers"]
    code = f"import sys, {module}; print([name for name in {names} if name in sys.modules])"
    assert run(code) == "[]"


def test_every_public_name_resolves_and_none_is_missing_from_dir() -> None:
    assert sorted(bertie.__all__) == bertie.__all__
    assert set(bertie.__all__) <= set(dir(bertie))
    for name in bertie.__all__:
        assert getattr(bertie, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'bertie' has no attribute 'nothing'"):
        bertie.nothing  # noqa: B018


@pytest.mark.parametrize(
    "first", ["import bertie", "import bertie.load", "from bertie.load import load"]
)
def test_load_is_the_function_whatever_was_imported_first(first: str) -> None:
    assert run(f"{first}; import bertie; print(type(bertie.load).__name__)") == "function"


@pytest.mark.parametrize("wing", sorted({new.split(".")[1] for new in MOVED.values()}))
def test_a_module_that_moved_is_found_by_its_old_name(wing: str) -> None:
    moved = {old: new for old, new in MOVED.items() if new.split(".")[1] == wing}
    code = f"""
import sys, warnings
from importlib import import_module
for old, new in {moved}.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(f"import {{old}}")
        except ModuleNotFoundError as error:  # an extra isn't installed
            assert not error.name.startswith("bertie"), error
            continue
        exec(f"import {{old}}; from {{old}} import __doc__")
    caught = [warning for warning in caught if "bertie" in str(warning.message)]
    assert [warning.category for warning in caught] == [DeprecationWarning], caught
    assert str(caught[0].message).startswith(f"{{old}} is {{new}} now"), caught[0].message
    assert caught[0].filename == "<string>", caught[0].filename
    assert sys.modules[old] is import_module(new)
"""
    run(code)


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_what_moved_is_where_it_is_said_to_be_and_there_alone(old: str, new: str) -> None:
    assert new.removeprefix("bertie.") in FILES
    assert old.removeprefix("bertie.") not in FILES
    assert new not in MOVED


@pytest.mark.parametrize("package", EXPORTS)
def test_what_a_package_gave_away_is_found_there(package: str) -> None:
    code = f"""
import warnings
from importlib import import_module
for name, home in {EXPORTS[package]}.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(f"from {package} import {{name}} as found; from {package} import {{name}}")
    assert [warning.category for warning in caught] == [DeprecationWarning], caught
    new = f"{package}.{{home}}"
    assert str(caught[0].message).startswith(f"{package}.{{name}} is {{new}} now"), caught
    assert caught[0].filename == "<string>", caught[0].filename
    module, _, own = new.rpartition(".")
    assert found is getattr(import_module(module), own)
"""
    run(code)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        importlib.import_module(package).nothing  # noqa: B018


def test_an_old_name_can_be_an_error() -> None:
    code = """
try:
    from bertie import pooling
except DeprecationWarning as warning:
    print(warning)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    assert done.stdout.startswith("bertie.pooling is bertie.engine.pooling now")


def test_the_table_of_what_moved_is_read_for_old_names_alone() -> None:
    load = "import bertie.loading.load, bertie.loading.build, bertie.cli.run"
    code = f"import sys, bertie.tokenize; {load}; print('bertie._moved' in sys.modules)"
    assert run(code) == "False"


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'bertie\.nothing'"):
        importlib.import_module("bertie.nothing")
