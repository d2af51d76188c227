"""A bundle in one file."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.errors import BertieError, CheckpointError, InputError, SourceError
from bertie.export import write_bundle
from bertie.export.pack import pack
from bertie.sources import pull, resolve

Export = Callable[..., Path]


@pytest.fixture
def packed(
    tiny_sentence: Path, exported: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The tiny model, packed; nobody has unpacked it, not even under another name."""
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "home"))
    return exported(tiny_sentence, name="model.bertie", pack=True)


def test_it_is_a_source_as_any_other(packed: Path, tiny_sentence: Path) -> None:
    expected = bertie.load(tiny_sentence, precision="float32")
    model = bertie.load(packed)
    assert np.array_equal(model.embed("a book"), expected.embed("a book"))
    assert model.fingerprint == expected.fingerprint
    directory = resolve(str(packed))
    assert str(packed) != str(directory) == model.info().directory
    assert pull(packed) == directory


def test_it_is_unpacked_once(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = resolve(packed)
    monkeypatch.setattr("bertie.sources.packed.unpack", None)
    packed.rename(packed.with_name("other.bertie"))
    assert resolve(packed.with_name("other.bertie")) == directory


def test_damage_in_the_cache_is_unpacked_again(packed: Path) -> None:
    config = resolve(packed) / "config.json"
    config.write_bytes(config.read_bytes().replace(b"gelu", b"relu"))
    assert b"gelu" in (pull(packed) / "config.json").read_bytes()


def test_the_same_bundle_gives_the_same_bytes(
    tiny_bert: Path, exported: Export, tmp_path: Path
) -> None:
    bundle = exported(tiny_bert)
    first, second = tmp_path / "1.bertie", tmp_path / "2.bertie"
    pack(bundle, first)
    for path in bundle.rglob("*"):
        os.utime(path, (0, 0))
    pack(bundle, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as opened:
        assert opened.namelist()[0] == "bertie.json"
        assert all(member.compress_type == zipfile.ZIP_STORED for member in opened.infolist())


def test_any_flip_is_found_while_unpacking(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(packed.read_bytes())
    for place in range(7, len(data), len(data) // 40):
        damaged = bytearray(data)
        damaged[place] ^= 4
        packed.write_bytes(damaged)
        monkeypatch.setenv("BERTIE_HOME", str(tmp_path / str(place)))
        try:
            directory = resolve(packed)
        except BertieError:
            continue
        # What isn't data: times, attributes and the like.
        assert pull(directory) == directory


def test_what_is_no_packed_bundle_is_refused(packed: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.bertie"
    text.write_text("no zip file")
    with pytest.raises(SourceError, match="can't be read as a packed bundle"):
        resolve(text)
    with zipfile.ZipFile(tmp_path / "empty.bertie", "w") as made:
        made.writestr("config.json", "{}")
    with pytest.raises(SourceError, match=r"has no bertie\.json"):
        resolve(tmp_path / "empty.bertie")


@pytest.mark.parametrize("name", ["more.txt", "../more.txt", "/more.txt"])
def test_files_that_the_manifest_does_not_list_are_refused(packed: Path, name: str) -> None:
    with zipfile.ZipFile(packed, "a") as made:
        made.writestr(name, "")
    message = "holds other files than its|holds the unsafe path"
    with pytest.raises(BertieError, match=message):
        resolve(packed)


def test_a_file_that_differs_from_the_manifest_is_refused(packed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bertie"
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"gelu", b"relu") if name == "config.json" else data)
    with pytest.raises(CheckpointError, match=r"is damaged: config\.json is not what"):
        resolve(other)


def test_the_name_says_whether_it_is_packed(tiny_bert: Path, tmp_path: Path) -> None:
    for name, packed in (("plain", True), ("one.bertie", False)):
        with pytest.raises(InputError, match=r"has a name that ends in \.bertie"):
            write_bundle(tiny_bert, tmp_path / name, pack=packed)


def test_it_replaces_only_a_file(tiny_bert: Path, tmp_path: Path) -> None:
    place = tmp_path / "one.bertie"
    write_bundle(tiny_bert, place, pack=True)
    write_bundle(tiny_bert, place, pack=True, force=True, precision="bfloat16")
    with zipfile.ZipFile(place) as opened:
        assert json.loads(opened.read("bertie.json"))["precision"] == "bfloat16"
    place.unlink()
    place.mkdir()
    with pytest.raises(InputError, match="is no file"):
        write_bundle(tiny_bert, place, pack=True, force=True)
