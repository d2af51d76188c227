"""A bundle's files are held against its list of them."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import CheckpointError, SourceError
from bertie.export import write_bundle
from bertie.sources import bundles, check, manifest_of, pull


@pytest.fixture(scope="module")
def bundle(tiny_sentence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny model."""
    return write_bundle(tiny_sentence, tmp_path_factory.mktemp("whole") / "bundle").path


@pytest.fixture(scope="module")
def copy(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it, which tests damage and mend."""
    return Path(shutil.copytree(bundle, tmp_path_factory.mktemp("damaged") / "bundle"))


@given(st.data())
def test_every_flip_in_every_file_is_found(bundle: Path, copy: Path, data: st.DataObject) -> None:
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    damaged = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    target = copy / path.relative_to(bundle)
    target.write_bytes(damaged)
    try:
        with pytest.raises(CheckpointError, match="is damaged"):
            check(copy)
    finally:
        target.write_bytes(path.read_bytes())
    assert check(copy) == copy


def test_missing_cut_and_additional_files_are_found(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    (copy / "tokenizer.json").unlink()
    (copy / "config.json").write_text("{}")
    (copy / "more.txt").touch()
    missing, cut, more = sorted(bundles.damage(copy), key=len, reverse=True)
    assert {missing, cut, more} == {
        "tokenizer.json: No such file or directory",
        f"config.json has 2 bytes, expected {(bundle / 'config.json').stat().st_size}",
        "more.txt is not part of the bundle",
    }
    with pytest.raises(CheckpointError, match=r"is damaged: .* copy the bundle again"):
        pull(copy)


def test_pulling_a_whole_bundle_says_what_was_checked(bundle: Path) -> None:
    assert pull(bundle) == bundle
    manifest = manifest_of(bundle)
    assert manifest is not None
    assert "2_Dense/model.safetensors" in manifest.files


def test_what_has_no_hashes_cannot_be_checked(tiny_bert: Path) -> None:
    assert pull(tiny_bert) == tiny_bert
    with pytest.raises(SourceError, match="has no hashes to check its files by: it is no bundle"):
        check(tiny_bert)
    with pytest.raises(SourceError, match="is not in the cache"):
        check("some/model")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../x": {"bytes": 1, "sha256": ""}}, "leads out of the bundle"),
        ({"/etc/passwd": {"bytes": 1, "sha256": ""}}, "leads out of the bundle"),
        ({"x": {"bytes": 1}}, "doesn't list the bundle's files"),
        ([], "doesn't list the bundle's files"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(files: object, message: str) -> None:
    content = {"files": files, "provenance": {"source": "x"}}
    with pytest.raises(CheckpointError, match=message):
        bundles.listed_files(bundles.decode_content(bundles.encode_content(content)))


def test_a_seal_holds_every_byte() -> None:
    data = bundles.encode_content({"prompts": {"ü": "日"}})
    assert bundles.decode_content(data)["prompts"] == {"ü": "日"}
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(CheckpointError, match="not as it was written"):
            bundles.decode_content(bytes(damaged))
    for other in (b"", b"{}", data[:-1], data + b" "):
        with pytest.raises(CheckpointError, match="not as it was written"):
            bundles.decode_content(other)
