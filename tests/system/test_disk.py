"""What is made takes its name whole, or what was there keeps it."""

from pathlib import Path

import pytest

from bertie.errors import InputError
from bertie.system.disk import atomic_file, put_in_place, remove_unfinished, sync


def made(directory: Path, content: str) -> Path:
    """A directory with one file."""
    directory.mkdir()
    (directory / "file").write_text(content, encoding="utf-8")
    return directory


def test_a_directory_takes_its_place_and_the_old_one_goes_aside(tmp_path: Path) -> None:
    place, aside = tmp_path / "place", tmp_path / "aside"
    put_in_place(made(tmp_path / "first", "1"), place, aside)
    assert not aside.exists()
    put_in_place(made(tmp_path / "second", "2"), place, aside)
    assert (place / "file").read_text(encoding="utf-8") == "2"
    assert (aside / "file").read_text(encoding="utf-8") == "1"


def test_what_was_there_comes_back_where_the_new_one_can_not_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path / "place", "old")
    new = made(tmp_path / "new", "new")
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self == new:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="No space left"):
        put_in_place(new, place, tmp_path / "aside")
    assert (place / "file").read_text(encoding="utf-8") == "old"
    assert not (tmp_path / "aside").exists()


def test_files_and_directories_are_synced_and_nothing_else(tmp_path: Path) -> None:
    sync(made(tmp_path / "directory", "x"))
    sync(tmp_path / "directory" / "file")
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nowhere")


def test_what_a_killed_run_left_is_removed_and_what_others_are_writing_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / ".left.0.unfinished").touch()
    with atomic_file(tmp_path / "vectors.npy", resumed=False) as file:
        file.write(b"vectors")
        remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.npy"]
    with (
        pytest.raises(InputError, match="can't be written: No such file"),
        atomic_file(tmp_path / "part") as file,
    ):
        remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.npy"]
