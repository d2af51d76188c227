"""Damage to the files of any format is refused, or changes nothing but the damaged elements.

scripts/corrupt.py tries more of it than a test can.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.errors import BertieError
from tests.corrupting import ACTIONS, KINDS, Damage, Kind, Target

NUMBERS = st.lists(st.integers(0, 2**32 - 1), min_size=5, max_size=5)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A small checkpoint of each kind."""
    kind: Kind = request.param
    return Target(kind, tmp_path_factory.mktemp("damaged") / "checkpoint")


@settings(max_examples=40)
@given(numbers=NUMBERS)
def test_damage_is_refused_or_changes_only_what_it_hits(target: Target, numbers: list[int]) -> None:
    damage = Damage.draw(target.kind, target.sizes, numbers)
    outcome = target.damage(damage)
    assert not outcome.violation, damage


def test_what_is_not_damaged_is_read_as_it_is(target: Target) -> None:
    nothing = Damage(target.kind.files[0], "cut", 0, 0, 0)
    outcome = target.damage(nothing)
    assert (outcome.verdict, outcome.violation) == ("same", "")


def test_a_file_that_is_gone_or_empty_is_refused(target: Target) -> None:
    for name, content in target.contents.items():
        path = target.directory / name
        for damage in (path.unlink, lambda empty=path: empty.write_bytes(b"")):
            damage()
            with pytest.raises(BertieError):
                target.kind.read(target.directory)
        path.write_bytes(content)


@pytest.mark.parametrize("action", ACTIONS)
def test_damage_is_done(action: str) -> None:
    damage = Damage("file", action, 1, 3 - (action == "flip"), 255)
    expected = {"flip": b"a\x9dcd", "zero": b"a\0\0d", "cut": b"ad", "double": b"abcbcd"}
    assert damage.apply(b"abcd") == expected[action]


def test_a_format_that_lets_damage_through_is_found_out(tmp_path: Path) -> None:
    claims = replace(KINDS[0], checked=True)
    target = Target(claims, tmp_path / "checkpoint")
    last = target.sizes[0] - 1
    outcome = target.damage(Damage("model.safetensors", "flip", last, last + 1, 1))
    assert outcome.verdict == "changed"
    assert "changed in spite of checksums" in outcome.violation
    honest = Target(KINDS[0], tmp_path / "other")
    outcome = honest.damage(Damage("model.safetensors", "flip", last, last + 1, 1))
    assert (outcome.verdict, outcome.violation) == ("changed", "")
