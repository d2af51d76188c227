"""torch.save's two layouts, whole and damaged."""

import mmap
import pickle
import zipfile
from pathlib import Path

import pytest

from bertie.checkpoint.pytorch.layouts import Saved, read_archive, read_legacy
from bertie.checkpoint.pytorch.pickles import LONGEST
from bertie.errors import CheckpointError
from tests.torch_files import archive, pickled, row, state, storage, tensor

ONE, TWO = bytes(range(8)), bytes(range(12))


def data(*more: bytes) -> bytes:
    """Pickle two tensors over two storages."""
    return pickled(
        state(
            {
                "one": tensor(storage("0", 2, "FloatStorage", *more), 0, (2,), (1,)),
                "two": tensor(storage("1", 3, "FloatStorage", *more), 0, (3,), (1,)),
            }
        )
    )


def opened(path: Path, content: bytes) -> tuple[mmap.mmap, Saved]:
    """Write a file, map it and read it by the layout that its first byte tells."""
    path.write_bytes(content)
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return mapping, (read_archive if content[:1] == b"P" else read_legacy)(mapping, "file")


def refuse(path: Path, content: bytes, message: str) -> None:
    """Check that a file is refused, at the latest when its first storage is looked for."""
    with pytest.raises(CheckpointError, match=message):
        locate_one(path, content)


def locate_one(path: Path, content: bytes) -> int:
    """Read a file up to where its first storage lies."""
    _, saved = opened(path, content)
    return saved.locate(saved.value["one"].storage)


def test_a_zip_archive_gives_the_value_and_places_of_storages(tmp_path: Path) -> None:
    mapping, saved = opened(tmp_path / "f", archive(data(), {"0": ONE, "1": TWO}))
    for name, held in (("one", ONE), ("two", TWO)):
        begin = saved.locate(saved.value[name].storage)
        assert mapping[begin : begin + len(held)] == held


def test_a_row_of_pickles_gives_the_value_and_places_of_storages(tmp_path: Path) -> None:
    mapping, saved = opened(tmp_path / "f", row(data(b"N"), {"1": TWO, "0": ONE}))
    for name, held in (("one", ONE), ("two", TWO)):
        begin = saved.locate(saved.value[name].storage)
        assert mapping[begin : begin + len(held)] == held


def test_an_archive_without_a_word_on_byte_order_is_little_endian(tmp_path: Path) -> None:
    content = archive(data(), {"0": ONE, "1": TWO}).replace(b"byteorder", b"bytesordr")
    _, saved = opened(tmp_path / "f", content)
    assert saved.locate(saved.value["one"].storage)


def test_big_endian_files_are_refused_by_name(tmp_path: Path) -> None:
    message = "file was saved on a machine whose byte order is b'big', expected little"
    big = archive(data(), {}, more={"archive/byteorder": b"big"})
    refuse(tmp_path / "f", big, message)
    refuse(tmp_path / "g", row(data(), {}, machine={"little_endian": False}), message)
    odd = archive(data(), {}, more={"archive/byteorder": b"\xff"})
    refuse(tmp_path / "h", odd, r"whose byte order is b'\\xff', expected little")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(data(), {"1": TWO}), "file has no entry 'archive/data/0' of 8 bytes, as data.pkl"),
        (archive(data(), {"0": ONE[:4]}), "file has no entry 'archive/data/0' of 8 bytes"),
        (archive(data(), {"0": ONE * 2}), "file has no entry 'archive/data/0' of 8 bytes"),
        (archive(data(), {}, more={"other/data.pkl": b""}), r"2 entries \*/data.pkl, expected one"),
        (archive(data(), {}, more={"archive/constants.pkl": b""}), "file is a TorchScript program"),
        (archive(b"cos\nsystem\n.", {}), "file: data.pkl: the pickle .* it names 'os.system'"),
        (archive(b"N" * (LONGEST + 1), {}), "data.pkl has 4194305 bytes, expected at most 4194304"),
        (archive(data(), {}, method=zipfile.ZIP_DEFLATED), "data.pkl' is compressed or encrypted"),
    ],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    refuse(tmp_path / "f", content, message)


@pytest.mark.parametrize("entry", ["data.pkl", "byteorder", "data/0"])
def test_every_entry_that_is_used_is_compared_with_its_sum(tmp_path: Path, entry: str) -> None:
    content = bytearray(archive(data(), {"0": ONE, "1": TWO}))
    name = f"archive/{entry}".encode()
    content[content.index(name) + len(name)] ^= 1
    refuse(tmp_path / "f", bytes(content), f"file: .*{entry} differs from its CRC-32")


def test_an_entry_that_nothing_uses_may_be_anything(tmp_path: Path) -> None:
    content = bytearray(archive(data(), {"0": ONE, "1": TWO}))
    content[content.index(TWO)] ^= 1
    _, saved = opened(tmp_path / "f", bytes(content))
    assert saved.locate(saved.value["one"].storage)
    with pytest.raises(CheckpointError, match=r"file: archive/data/1 differs from its CRC-32"):
        saved.locate(saved.value["two"].storage)


WHOLE = row(data(b"N"), {"0": ONE, "1": TWO})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(1, 2) + WHOLE, "file doesn't begin as torch.save's files do"),
        (row(data(b"N"), {}, version=1000), "file is of version 1000 of torch.save's older layout"),
        (row(data(b"N"), {"1": TWO}), "file has no storage '0', which a tensor refers"),
        (row(data(b"N"), {"0": ONE, "1": TWO, "2": ONE}), "or no tensor refers to it"),
        (row(data(b"N"), {"0": ONE[:4], "1": TWO}), "storage '0' at byte .* has 1 elements and"),
        (WHOLE[:-1], "storage '1' at byte .* has 3 elements and the file .* expected 3 elements"),
        (WHOLE[: -len(TWO) - 8], "storage '1' at byte .* has 0 elements"),
        (WHOLE + b"x", "the storages end at byte .*, but the file has"),
        (row(pickled(b"]"), {})[:-4] + b"N.", "the storages' keys are not a list of texts"),
        (row(pickled(b"]"), {})[:-4] + b"](NNe.", "the storages' keys are not a list of texts"),
        (
            row(
                pickled(
                    state(
                        {
                            "one": tensor(storage("0", 2), 0, (2,), (1,)),
                            "two": tensor(storage("0", 3), 0, (2,), (1,)),
                        }
                    )
                ),
                {"0": ONE},
            ),
            "file: value: the pickle .* storage '0' has two types or lengths",
        ),
        (row(b"cos\nsystem\n.", {}), "file: value: the pickle .* it names 'os.system'"),
        (b"\x80\x02cos\nsystem\n.", "file: magic: the pickle .* it names 'os.system'"),
    ],
)
def test_a_damaged_row_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    refuse(tmp_path / "f", content, message)
