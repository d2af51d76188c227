"""What a model's key becomes as a path."""

import ntpath
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.sources.cache import Entry
from bertie.sources.names import ALIASES, HubModel, WheelModel
from bertie.sources.releases import RELEASES
from bertie.system.names import windows_name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("con", "%63on"),
        ("Nul.txt", "%4Eul.txt"),
        ("COM1", "%43OM1"),
        ("lpt¹.bin", "%6Cpt¹.bin"),
        ("name.", "name%2E"),
        ("name ", "name%20"),
        ("a:b*c", "a%3Ab%2Ac"),
        ("a\\b", "a%5Cb"),
        ("console", "console"),
        (".hidden", ".hidden"),
        ("model-v1.5@refs%2Fpr%2F1", "model-v1.5@refs%2Fpr%2F1"),
    ],
)
def test_a_name_that_windows_refuses_is_spelled_otherwise(name: str, spelled: str) -> None:
    assert windows_name(name) == spelled


def is_reserved(path: PureWindowsPath) -> bool:
    """What Python says of a path on Windows; since 3.13 elsewhere than before."""
    asked = getattr(ntpath, "isreserved", None)
    return bool(asked(path) if asked is not None else path.is_reserved())


@given(st.text(st.characters(codec="utf-8", exclude_characters="%"), min_size=1))
def test_every_spelling_is_one_name_that_windows_takes(name: str) -> None:
    path = PureWindowsPath("C:/", windows_name(name))
    assert path.parts == ("C:\\", windows_name(name))
    assert not is_reserved(path)
    assert not path.name.endswith((".", " "))
    assert windows_name(windows_name(name)) == windows_name(name)


def test_known_models_keep_their_keys_on_windows() -> None:
    named = [HubModel("org/name", "refs/pr/1"), WheelModel("package", "1.0+a!b", "in/it")]
    for model in [*ALIASES.values(), *RELEASES.values(), *named]:
        assert [*map(windows_name, model.key.split("/"))] == model.key.split("/")


def test_a_key_is_the_path_below_the_models_here(tmp_path: Path) -> None:
    assert Entry(tmp_path, "hub/con/name.").directory == tmp_path / "models" / "hub/con/name."
