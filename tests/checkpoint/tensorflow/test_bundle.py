"""Bundles as TensorFlow wrote them, and broken ones."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.tensorflow.bundle import Bundle
from bertie.checkpoint.tensorflow.table import read_table
from bertie.errors import CheckpointError

from .writing import DATA, block, entry, field, header, table, write_bundle, write_index

ENTRIES = read_table(DATA / "release" / "bert_model.ckpt.index")
FOUR = np.arange(4, dtype=np.float32)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The index of a copy of the release, whose data is in two shards."""
    copied = shutil.copytree(DATA / "release", tmp_path / "release")
    return Path(copied) / "bert_model.ckpt.index"


def test_tensors_of_several_shards_read_as_one(release: Path) -> None:
    bundle = Bundle.read(release)
    assert bundle.shards == 2
    assert {entry.shard for entry in bundle.entries.values()} == {0, 1}
    tensors = bundle.tensors(bundle.entries)
    assert list(tensors) == list(bundle.entries)
    words = tensors["bert/embeddings/word_embeddings"]
    assert (words.shape, words.dtype, words.strides) == ((61, 12), "F32", None)
    assert words.file == "bert_model.ckpt.data-00000-of-00002"
    gamma = tensors["bert/embeddings/LayerNorm/gamma"].float32()
    assert 0.5 < gamma.mean() < 1.5
    assert not gamma.flags.writeable


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8"])
def test_each_type_reads_with_its_bytes(tmp_path: Path, dtype: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    index = write_bundle(tmp_path, {"odd": np.zeros(1, np.uint8), "x": values})
    tensor = Bundle.read(index).tensors(["x"])["x"]
    assert tensor.data.tobytes() == values.tobytes()
    if dtype.startswith("float"):
        assert np.array_equal(tensor.float32(), values)
    else:
        with pytest.raises(CheckpointError, match=r"tensor x is [IU]\d+, expected one of F32"):
            tensor.float32()


def test_empty_tensors_and_an_empty_shard_are_fine(tmp_path: Path) -> None:
    index = write_bundle(tmp_path, {"none": np.zeros((0, 3), np.float32)})
    assert Bundle.read(index).tensors(["none"])["none"].float32().shape == (0, 3)


def test_a_type_that_nobody_knows_is_refused_only_when_used(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"x": FOUR})
    index = write_index(tmp_path, {"x": entry(99, [7], 0, FOUR.tobytes())})
    tensor = Bundle.read(index).tensors(["x"])["x"]
    with pytest.raises(CheckpointError, match="tensor x is of TensorFlow's type 99, expected one"):
        tensor.float32()


def test_what_holds_no_numbers_and_parts_of_tensors_are_left_out(tmp_path: Path) -> None:
    entries = {"_CHECKPOINTABLE_OBJECT_GRAPH": entry(7, [], 0, b"text"), "\0part": b""}
    assert Bundle.read(write_index(tmp_path, entries)).entries == {}


def test_every_flipped_byte_of_data_is_found(release: Path) -> None:
    bundle = Bundle.read(release)
    for number in range(2):
        path = release.with_name(f"bert_model.ckpt.data-0000{number}-of-00002")
        content = bytearray(path.read_bytes())
        for place in range(0, len(content), 199):
            content[place] ^= 1 << place % 8
            path.write_bytes(content)
            with pytest.raises(CheckpointError, match=rf"^{path.name}: .* fails its CRC-32C"):
                bundle.tensors(bundle.entries)
            content[place] ^= 1 << place % 8
        path.write_bytes(content)


def test_data_that_nobody_asks_for_is_not_read(tmp_path: Path) -> None:
    index = write_bundle(tmp_path, {"wanted": FOUR, "x/adam_m": FOUR})
    shard = tmp_path / "model.ckpt.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:16] + b"other data here!")
    bundle = Bundle.read(index)
    assert bundle.tensors(["wanted"])["wanted"].float32().tolist() == [0, 1, 2, 3]
    with pytest.raises(CheckpointError, match="tensor x/adam_m fails its CRC-32C"):
        bundle.tensors(["x/adam_m"])


def test_a_missing_shard_is_named(release: Path) -> None:
    shard = release.with_name("bert_model.ckpt.data-00001-of-00002")
    shard.unlink()
    bundle = Bundle.read(release)
    with pytest.raises(CheckpointError, match=rf"names {shard.name}, but .* has no such file"):
        bundle.tensors(bundle.entries)


def test_a_shard_that_was_cut_is_said_so(release: Path) -> None:
    shard = release.with_name("bert_model.ckpt.data-00001-of-00002")
    shard.write_bytes(shard.read_bytes()[:-1])
    bundle = Bundle.read(release)
    with pytest.raises(CheckpointError, match=rf"{shard.name} has 11163 bytes, but .* 11164"):
        bundle.tensors(bundle.entries)


def test_two_tensors_may_not_share_data(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"x": FOUR})
    same = entry(1, [4], 0, FOUR.tobytes())
    bundle = Bundle.read(write_index(tmp_path, {"a": same, "b": same}))
    assert bundle.tensors(["b"])["b"].float32().tolist() == [0, 1, 2, 3]
    with pytest.raises(CheckpointError, match=r"tensor b begins at byte 0 .* overlaps the one"):
        bundle.tensors(["a", "b"])


def test_a_partitioned_tensor_is_refused_by_name_when_it_is_used(tmp_path: Path) -> None:
    part = field(7, field(1, field(2, 2)))
    parts = entry(1, [4], 0, b"", tail=part * 2)
    write_bundle(tmp_path, {"x": FOUR})
    entries = {"words": parts, "x": entry(1, [4], 0, FOUR.tobytes())}
    bundle = Bundle.read(write_index(tmp_path, entries))
    assert list(bundle.tensors(["x"])) == ["x"]
    with pytest.raises(CheckpointError, match=r"words is stored in 2 parts .* expected whole"):
        bundle.tensors(["words"])


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (header(endianness=1), "big-endian machine; supported: little-endian"),
        (header(oldest=2), "readers before 2 don't know; supported: 1"),
        (header(shards=0), "claims 0 shards, expected 1 to 99999"),
        (header(shards=2**31), "claims 2147483648 shards"),
        (header(shards=-1), "claims -1 shards"),
        (b"\xff", "the header: the number at byte 0 has no end"),
        (field(1, b"x"), "the header: field 1 is bytes, expected a number"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, head: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"^model.ckpt.index.*{message}"):
        Bundle.read(write_index(tmp_path, {}, head))


BYTES = FOUR.tobytes()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", entry(1, [4], 0, BYTES, shard=1), "of shard 1, expected one of the 1 shards"),
        ("x", entry(1, [4], 0, BYTES, shard=-1), "of shard -1"),
        ("x", entry(1, [4], -4, BYTES), "16 bytes at byte -4"),
        ("x", entry(1, [4], 0, BYTES, size=-16), "has -16 bytes"),
        ("x", entry(1, [5], 0, BYTES), r"F32 of shape \(5,\) takes 160 bits, .* has 128"),
        ("x", entry(1, [2**60, 2**60], 0, BYTES), "takes .* bits, but its data has 128"),
        ("x", entry(1, [-4], 0, BYTES), "has an axis of length -4"),
        ("x", entry(1, [1] * 255, 0, BYTES), "has more than 254 axes"),
        ("x", b"\x0a", "the number at byte 1 has no end"),
        ("x", b"\x12\x7f", "a field claims 127 bytes, but 0 are left"),
        ("a\nb", entry(1, [4], 0, BYTES), r"the name b'a\\nb' can't be printed"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(
    tmp_path: Path, name: str, value: bytes, message: str
) -> None:
    with pytest.raises(CheckpointError, match=rf"(?s)^model.ckpt.index: .*{message}"):
        Bundle.read(write_index(tmp_path, {name: value}))


def test_a_tensor_beyond_its_shard_is_refused_whatever_size_it_claims(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"x": FOUR})
    huge = entry(4, [2**60], 8, BYTES, size=2**60)
    bundle = Bundle.read(write_index(tmp_path, {"x": huge}))
    with pytest.raises(CheckpointError, match="has 16 bytes, but tensor x ends at byte 11529215"):
        bundle.tensors(["x"])


@given(st.data())
def test_an_index_with_right_checksums_and_wrong_content_never_crashes(data: st.DataObject) -> None:
    keys = [bytes(key) for key in ENTRIES]
    changed = {key: bytearray(ENTRIES[key]) for key in keys}
    for _ in range(data.draw(st.integers(1, 4))):
        value = changed[data.draw(st.sampled_from(keys))]
        place = data.draw(st.integers(0, len(value) - 1))
        value[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=10))
    with tempfile.TemporaryDirectory() as scratch:
        for path in (DATA / "release").glob("*.data-*"):
            (Path(scratch) / path.name).symlink_to(path)
        index = Path(scratch) / "bert_model.ckpt.index"
        index.write_bytes(table([block((key, bytes(changed[key])) for key in keys)]))
        with suppress(CheckpointError):
            bundle = Bundle.read(index)
            bundle.tensors(bundle.entries)


def test_a_table_that_is_no_index_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "t.index"
    path.write_bytes(table([block([(b"key", b"value")])]))
    with pytest.raises(CheckpointError, match=r"t.index has no header; a table, but not"):
        Bundle.read(path)
