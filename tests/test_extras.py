"""What the extras of pyproject.toml bring."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

NOT_IN_ALL = {"all", "ray", "spark", "test", "torch"}  # DESIGN: each is too large, or for us alone

Extras = Mapping[str, Sequence[str]]


@pytest.fixture(scope="module")
def extras() -> Extras:
    """The extras as pyproject.toml has them."""
    path = Path(__file__).parent.parent / "pyproject.toml"
    if not path.is_file():
        pytest.skip("the tests lie in no source tree")
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    found: Extras = project["optional-dependencies"]
    return found


def brought(extras: Extras, name: str) -> set[str]:
    """List the requirements of an extra, those of the extras that it names among them."""
    requirements: set[str] = set()
    for one in extras[name]:
        if own := re.fullmatch(r"bertie\[([\w,-]+)\]", one):
            for other in own[1].split(","):
                requirements |= brought(extras, other)
        else:
            requirements.add(one)
    return requirements


def test_all_is_every_extra_but_the_engines_and_the_tests_own(extras: Extras) -> None:
    others = set(extras) - NOT_IN_ALL
    assert brought(extras, "all") == set().union(*(brought(extras, name) for name in others))
    (itself,) = extras["all"]  # each by its name, also those that are only others together
    assert itself == f"bertie[{','.join(sorted(others))}]"


def test_what_all_leaves_out_it_does_not_bring_by_another_extra(extras: Extras) -> None:
    for name in ("ray[data]", "pyspark", "pytest"):
        assert not any(one.startswith(name) for one in brought(extras, "all"))
        assert any(one.startswith(name) for other in extras for one in brought(extras, other))
