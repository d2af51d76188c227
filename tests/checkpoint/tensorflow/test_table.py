"""Tables as TensorFlow wrote them, with packed blocks, and broken ones."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint.tensorflow.table import read_table
from bertie.errors import CheckpointError

from .writing import DATA, block, sealed, table, varint

INDEX = DATA / "release" / "bert_model.ckpt.index"


def write(path: Path, content: bytes) -> Path:
    """Write a table's file."""
    (path / "t.index").write_bytes(content)
    return path / "t.index"


def test_tensorflows_table_reads_whole_and_in_order() -> None:
    table = read_table(INDEX)
    keys = list(table)
    assert keys == sorted(keys)
    assert keys[:2] == [b"", b"bert/embeddings/LayerNorm/beta"]
    assert len(keys) == 47


def test_blocks_that_snappy_packed_give_the_same(tmp_path: Path) -> None:
    assert (DATA / "snappy.index").stat().st_size < INDEX.stat().st_size
    assert read_table(DATA / "snappy.index") == read_table(INDEX)


def test_several_blocks_follow_one_another(tmp_path: Path) -> None:
    content = table([block([(b"a", b"1"), (b"b", b"")]), block([]), block([(b"c", b"3")])])
    assert read_table(write(tmp_path, content)) == {b"a": b"1", b"b": b"", b"c": b"3"}


def test_keys_share_their_beginnings(tmp_path: Path) -> None:
    entries = b"\0\3\1key1" + b"\2\1\1z2" + bytes(4) + b"\1\0\0\0"
    assert read_table(write(tmp_path, table([entries]))) == {b"key": b"1", b"kez": b"2"}


GOOD = block([(b"a", b"1")])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "doesn't end as the index"),
        (table([GOOD])[:-1], "doesn't end as the index"),
        (table([GOOD])[20:], "fails its CRC-32C|isn't whole"),
        (b"x" + table([GOOD])[1:], "the block at byte 0 fails its CRC-32C"),
        (table([GOOD], kind=2), "packed in way 2; supported: 0 .* and 1"),
        (table([GOOD], kind=1), "snappy"),
        (table([GOOD], places=[varint(2**60) + varint(9)]), "claims 9 bytes at byte 11529215"),
        (table([GOOD], places=[varint(0) + varint(2**63)]), "claims 9223372036854775808 bytes"),
        (table([GOOD], places=[b"\xff" * 11]), "has no end"),
        (table([GOOD], places=[b""]), "has no end"),
        (table([GOOD] * 2, places=[varint(0) + varint(len(GOOD))] * 2), "overlaps the one before"),
        (table([block([(b"b", b""), (b"a", b"")])]), "the key b'a' comes after b'b'"),
        (table([block([(b"a", b"")] * 2)]), "the key b'a' comes after b'a'"),
        (table([GOOD, GOOD]), "the key b'a' comes after b'a'"),
        (table([b"\1\1\1kv" + bytes(8)]), "claims 1 bytes of the key before, 1 of its own"),
        (table([b"\0\x7f\1kv" + bytes(8)]), "claims 0 bytes of the key before, 127 of its own"),
        (table([b"\0\1" + b"\xff" * 9 + b"\1" + bytes(8)]), "and a value of 18446744073709551615"),
        (table([b"\0\0\0\xff\xff\xff\xff"]), "a block of 7 bytes claims 4294967295 restarts"),
        (table([b""]), "a block of 0 bytes claims 0 restarts"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"^t.index.*({message})"):
        read_table(write(tmp_path, content))


def test_keys_that_grow_with_every_entry_are_refused_before_they_fill_memory(
    tmp_path: Path,
) -> None:
    entries = b"".join(varint(n) + b"\1\0" + b"k" for n in range(20_000))
    with pytest.raises(CheckpointError, match="the keys have more than"):
        read_table(write(tmp_path, table([entries + bytes(4)])))


def test_a_file_too_large_for_an_index_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    with path.open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(CheckpointError, match="has 1099511627776 bytes, expected at most"):
        read_table(path)


def test_every_flipped_bit_is_found_or_changes_nothing(tmp_path: Path) -> None:
    content: Any = bytearray(INDEX.read_bytes())
    expected = read_table(INDEX)
    for place in range(0, len(content), 7):
        content[place] ^= 1 << place % 8
        with suppress(CheckpointError):
            assert read_table(write(tmp_path, bytes(content))) == expected, place
        content[place] ^= 1 << place % 8


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.index").mkdir()
    with pytest.raises(CheckpointError, match=r"t.index can't be read: Is a directory"):
        read_table(tmp_path / "t.index")


def test_a_checksum_covers_how_the_block_is_packed(tmp_path: Path) -> None:
    content = bytearray(table([GOOD]))
    assert content[: len(GOOD) + 5] == sealed(GOOD)
    content[len(GOOD)] = 1
    with pytest.raises(CheckpointError, match="fails its CRC-32C"):
        read_table(write(tmp_path, bytes(content)))
