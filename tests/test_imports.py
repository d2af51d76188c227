"""Imports go one way, and importing Bertie loads nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bertie
from tests.timeouts import TIMEOUT

PACKAGE = Path(bertie.__file__).parent

# Each tier imports from those above it only, and a package from itself.
TIERS = (
    {"errors", "architectures", "system", "json_lines", "_core"},
    {"known", "arguments"},
    {"config"},
    {"sources", "tables"},
    {"checkpoint", "tokenize"},
    {"reference", "encoder", "batching", "fingerprint"},
    {"pooling", "calibration", "heads"},
    {"quantize", "opening", "similarity"},
    {"tasks"},
    {"settled"},
    {"load"},
    {"verify", "doctor", "environment"},
    {"search", "jobs", "export", "evaluate", "bench"},
    {"client", "server"},
    {"cli"},
    {"__main__"},
)
TIER = {name: number for number, names in enumerate(TIERS) for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    """Name the module or package directly under bertie that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Name what a file imports of Bertie, wherever in the file."""
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
            if name.split(".")[0] == "bertie" and "." in name:
                yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_tiers_above_it(path: Path) -> None:
    own = room(path)
    assert own in TIER, f"{own} has no place in TIERS"
    for name in set(imported(path)) - {own}:
        assert TIER[name] < TIER[own], f"{own} imports {name}, which stands beside it or below"


def test_tokenizing_imports_nothing_of_the_model() -> None:
    for path in (PACKAGE / "tokenize").rglob("*.py"):
        assert set(imported(path)) <= {
            *("tokenize", "errors", "arguments", "known", "config", "sources", "_core")
        }


def run(code: str) -> str:
    """Run a program in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["bertie", "bertie.tokenize", "bertie.config", "bertie.errors"])
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
