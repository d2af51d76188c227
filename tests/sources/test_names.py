"""What a source names."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import SourceError
from bertie.sources.names import ALIASES, Directory, HubModel, WheelModel, parse


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("org/name", HubModel("org/name")),
        ("org/name@v1.0", HubModel("org/name", "v1.0")),
        ("org/name@refs/pr/3", HubModel("org/name", "refs/pr/3")),
        ("pypi:Some_Package", WheelModel("some-package")),
        ("pypi:some.package==1.0.post1", WheelModel("some-package", "1.0.post1")),
        ("pypi:p==1#a/b", WheelModel("p", "1", "a/b")),
        ("pypi:p#a/b/", WheelModel("p", None, "a/b")),
        ("minilm", ALIASES["minilm"]),
    ],
)
def test_a_source_is_read_as_what_it_names(
    source: str, name: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(source) == name


@pytest.mark.parametrize("source", ["org/name", "minilm", "pypi:p"])
def test_a_directory_that_exists_wins(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(source).mkdir(parents=True)
    assert parse(source) == Directory(Path(source))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("./models/mine", "does not exist"),
        ("/nowhere/at/all", "nearest directory that does is /"),
        ("models/a/b", "does not exist"),
        ("~/no-such-directory-here", "does not exist"),
        ("..name/x", "does not exist"),
        ("nonsense", "neither a directory here nor a known name"),
        ("", "names no model"),
        ("a\0b", "names no model"),
        ("pypi:", "expected pypi:package"),
        ("pypi:-r/etc/passwd", "expected pypi:package"),
        ("pypi:--index-url=x", "expected pypi:package"),
        ("pypi:a b", "expected pypi:package"),
        ("pypi:./dir", "expected pypi:package"),
        ("pypi:git+https://x/y", "expected pypi:package"),
        ("pypi:p @ file", "expected pypi:package"),
        ("pypi:p==1 --pre", "expected pypi:package"),
        ("pypi:p==1;x", "expected pypi:package"),
        ("pypi:p#../x", "the path after #"),
        ("pypi:p#/", "the path after #"),
    ],
)
def test_a_source_that_names_nothing_says_why(source: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        parse(source)


def test_a_file_is_not_a_model(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    with pytest.raises(SourceError, match="is a file; give the directory"):
        parse(str(file))
    with pytest.raises(SourceError, match="is a file; give the directory"):
        parse(file)


@pytest.mark.parametrize("source", [None, 3, b"minilm"])
def test_a_source_that_is_no_text_is_refused(source: object) -> None:
    with pytest.raises(SourceError, match="names no model"):
        parse(source)  # type: ignore[arg-type]


@given(st.from_regex(r"pypi:[^/#]{1,20}(#.{0,10})?", fullmatch=True))
def test_whatever_is_handed_to_pip_is_a_plain_requirement(source: str) -> None:
    try:
        name = parse(source)
    except SourceError:
        return
    assert isinstance(name, WheelModel)
    assert name.requirement[0].isalnum()
    assert not set(name.requirement) & set(" /\\;@:<>[],'\"\n\t")


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_a_source_error(source: str) -> None:
    with contextlib.suppress(SourceError):
        parse(source)
