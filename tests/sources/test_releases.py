"""The table of Google's releases, and fetching one from a server on this machine."""

import hashlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.errors import SourceError
from bertie.sources import manifest_of, names, pull, releases, resolve
from bertie.sources.environment import Unreachable
from bertie.sources.releases import RELEASES, Release
from bertie.tokenize import Tokenizer

from .conftest import Server, model_files

TINY = Path(__file__).parents[1] / "data" / "tiny-tensorflow" / "release"
NAME = "uncased_L-2_H-128_A-2"
PATH = f"/2020_02_20/{NAME}.zip"


def packed(files: dict[str, bytes], folder: str = "") -> bytes:
    """Pack files as a release does, in a folder or not."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}{name}", content)
    return out.getvalue()


@pytest.fixture
def files() -> dict[str, bytes]:
    """What a release holds."""
    return model_files(TINY)


@pytest.fixture
def mirror(
    server: Server, home: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> Server:
    """A mirror of one small release."""
    monkeypatch.setenv("BERTIE_RELEASES_URL", f"{server.url}/")
    server.files[PATH] = (packed(files), {})
    return server


def test_the_table_has_googles_nine_large_and_24_small_ones() -> None:
    assert len(RELEASES) == 9 + 24
    base = RELEASES["bert-base-uncased"]
    assert base.url.endswith(
        "//storage.googleapis.com/bert_models/2018_10_18/uncased_L-12_H-768_A-12.zip"
    )
    assert str(RELEASES["uncased_L-8_H-512_A-8"].url).endswith(
        "/2020_02_20/uncased_L-8_H-512_A-8.zip"
    )
    assert len({release.key for release in RELEASES.values()}) == len(RELEASES)
    cased = {name for name, release in RELEASES.items() if not release.lower}
    assert cased == {name for name in RELEASES if "-cased" in name}
    for release in RELEASES.values():
        assert len(release.sha256) in (0, 5)
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in release.sha256.values())
    assert sum(bool(release.sha256) for release in RELEASES.values()) == 7


@pytest.mark.parametrize("folder", ["", "uncased_L-2_H-128_A-2/"])
def test_a_release_is_fetched_and_reads(
    mirror: Server, home: Path, files: dict[str, bytes], folder: str
) -> None:
    noise = {"__MACOSX/._vocab.txt": b"", "readme.txt": b"hello"}
    mirror.files[PATH] = (packed({**files, **noise}, folder), {})
    directory = pull(NAME)
    assert home in directory.parents
    for name, content in files.items():
        assert (directory / name).read_bytes() == content
    manifest = manifest_of(directory)
    assert manifest is not None
    assert set(manifest.files) == {*files, "tokenizer_config.json"}
    assert manifest.origin == f"{mirror.url}{PATH}"
    assert encoder_tensors(Checkpoint.open(directory))
    assert list((home / "downloads").iterdir()) == []
    asked = len(mirror.asked)
    assert resolve(NAME) == pull(NAME) == directory
    assert len(mirror.asked) == asked


@pytest.mark.parametrize("lower", [True, False])
def test_what_googles_page_says_of_capitals_goes_with_it(
    mirror: Server, monkeypatch: pytest.MonkeyPatch, lower: bool
) -> None:
    release = Release(NAME, f"2020_02_20/{NAME}", lower)
    monkeypatch.setattr(names, "RELEASES", {NAME: release})
    setting = Tokenizer.load(resolve(NAME)).settings["lower"]
    assert setting.value is lower
    assert setting.origin == "tokenizer_config.json: do_lower_case"


def test_published_hashes_are_checked(
    mirror: Server, home: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    good = Release(NAME, f"2020_02_20/{NAME}", True, digests)
    bad = Release(NAME, f"2020_02_20/{NAME}", True, {**digests, "vocab.txt": "0" * 64})
    monkeypatch.setattr(names, "RELEASES", {NAME: bad})
    with pytest.raises(SourceError, match=r"vocab.txt has SHA-256 [0-9a-f]{64}, expected 0{64}"):
        pull(NAME)
    assert not (home / "models").exists()
    monkeypatch.setattr(names, "RELEASES", {NAME: good})
    assert pull(NAME).is_dir()


def test_what_was_pulled_first_is_what_must_come_ever_after(
    mirror: Server, files: dict[str, bytes]
) -> None:
    directory = pull(NAME)
    before = (directory / "vocab.txt").read_bytes()
    other = {**files, "vocab.txt": before.replace(b"river", b"rival")}
    mirror.files[PATH] = (packed(other), {})
    with pytest.raises(SourceError, match=r"vocab.txt has SHA-256 .*, expected "):
        pull(NAME, again=True)
    assert (directory / "vocab.txt").read_bytes() == before
    (directory / "vocab.txt").write_bytes(other["vocab.txt"])
    with pytest.raises(SourceError, match=r"vocab.txt has SHA-256 .*, expected "):
        pull(NAME)
    mirror.files[PATH] = (packed(files), {})
    assert pull(NAME) == directory
    assert (directory / "vocab.txt").read_bytes() == before


def test_an_archive_without_a_model_says_what_it_has(mirror: Server, home: Path) -> None:
    mirror.files[PATH] = (packed({"vocab.txt": b"", "bert_config.json": b"{}"}), {})
    match = r"none of the archive's folders has .* bert_model.ckpt.index; it has vocab.txt, bert_c"
    with pytest.raises(SourceError, match=match):
        pull(NAME)
    assert list((home / "downloads").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_what_is_no_archive_is_refused_and_not_kept(
    mirror: Server, home: Path, content: bytes
) -> None:
    mirror.files[PATH] = (content, {})
    with pytest.raises(SourceError, match="can't be read as a zip file"):
        pull(NAME)
    assert list((home / "downloads").iterdir()) == []


def test_an_unsafe_path_is_not_unpacked(
    mirror: Server, home: Path, files: dict[str, bytes]
) -> None:
    mirror.files[PATH] = (packed({**files, "../evil": b""}), {})
    with pytest.raises(SourceError, match="unsafe path"):
        pull(NAME)
    assert not list(home.rglob("*evil*"))


def test_offline_names_the_command(mirror: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTIE_OFFLINE", "1")
    with pytest.raises(Unreachable, match=f"forbids the network.*`bertie pull {NAME}`"):
        resolve(NAME)
    assert mirror.asked == []


def test_a_release_that_the_server_lacks_is_said_so(mirror: Server) -> None:
    with pytest.raises(SourceError, match=r"bert-base|uncased_L-4.*404") as caught:
        pull("uncased_L-4_H-128_A-2")
    assert not isinstance(caught.value, Unreachable)


@pytest.mark.parametrize("base", ["file:///etc", "ftp://host", "bert_models", "/srv/mirror"])
def test_only_addresses_of_http_are_mirrors(
    home: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("BERTIE_RELEASES_URL", base)
    with pytest.raises(SourceError, match=f"BERTIE_RELEASES_URL is '{base}', expected an address"):
        pull(NAME)


def test_the_command_line_pulls_a_release(mirror: Server, bertie, home: Path) -> None:
    done = bertie("pull", NAME)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{home / 'models/google/2020_02_20' / NAME}\n"
    assert json.loads(
        (home / "models/google/2020_02_20" / NAME / releases.TOKENIZER).read_text()
    ) == {"do_lower_case": True}
    shutil.rmtree(home / "models")
