"""Which models are in a cache, and which of them are whole."""

from pathlib import Path

import pytest

from bertie.sources.cached_models import cached_models, size_of
from bertie.sources.manifest import NAME, Manifest


def put(home: Path, key: str, *, whole: bool = True) -> Path:
    """Put a model of two files into a cache."""
    model = home / "models" / key
    (model / "1_Pooling").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "1_Pooling" / "config.json").write_text("{  }")
    if whole:
        Manifest.of(model, source=f"the {key}", origin="somewhere").write(model)
    return model


def test_every_model_is_listed_by_its_key(tmp_path: Path) -> None:
    keys = ["alias/minilm-0", "google/2018/uncased", "hub/org/name", "hub/org/other@v1", "pypi/x"]
    for key in keys:
        put(tmp_path, key)
    (tmp_path / "models" / "hub" / ".DS_Store").touch()
    found = cached_models(tmp_path)
    assert [model.key for model in found] == keys
    assert [model.source for model in found] == [f"the {key}" for key in keys]
    assert not any(model.damage for model in found)
    assert sum(model.bytes for model in found) == size_of(tmp_path)


def test_a_cache_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert cached_models(tmp_path / "nowhere") == []
    assert size_of(tmp_path / "nowhere") == 0


def test_what_is_not_whole_is_listed_with_what_it_lacks(tmp_path: Path) -> None:
    (put(tmp_path, "hub/a/cut") / "config.json").write_text("{")
    (put(tmp_path, "hub/a/gone") / "1_Pooling" / "config.json").unlink()
    (put(tmp_path, "hub/b/garbled") / NAME).write_text("{")
    put(tmp_path, "hub/c/bare", whole=False)
    found = {model.key: (model.damage, model.bytes) for model in cached_models(tmp_path)}
    manifest = f"{NAME} is missing or can't be read"
    assert found["hub/a/cut"][0] == ("config.json has 1 bytes, expected 2",)
    assert found["hub/a/gone"][0] == ("1_Pooling/config.json: No such file or directory",)
    assert found["hub/b/garbled"] == ((manifest,), 7)
    assert found["hub/c/bare"] == ((manifest,), 6)
    assert len(found) == 4


def test_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    put(tmp_path, "hub/org/name")
    (tmp_path / "models" / "hub" / "loop").symlink_to(tmp_path / "models")
    assert "hub/org/name" in [model.key for model in cached_models(tmp_path)]


def test_a_cache_whose_models_are_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(NotADirectoryError):
        cached_models(tmp_path)
    with pytest.raises(NotADirectoryError):
        size_of(tmp_path / "models")
