"""Snappy against its description, and against what claims to be snappy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.tensorflow.snappy import unpack
from bertie.errors import CheckpointError

from .writing import DATA, varint


def unpacked(packed: bytes) -> bytes:
    return bytes(unpack(memoryview(packed), "block"))


def literal(text: bytes) -> bytes:
    """Write text as it stands, of any length."""
    length = len(text) - 1
    if length < 60:
        return bytes([length << 2]) + text
    width = (length.bit_length() + 7) // 8
    return bytes([(59 + width) << 2]) + length.to_bytes(width, "little") + text


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (b"\0", b""),
        (b"\x03" + literal(b"tea"), b"tea"),
        # One byte back, eleven times: tag 1 has the length above 4 and the high bits of how far.
        (b"\x0c" + literal(b"a") + bytes([(11 - 4) << 2 | 1, 1]), b"a" * 12),
        # Two bytes of how far, and then four.
        (b"\x09" + literal(b"abc") + bytes([5 << 2 | 2, 3, 0]), b"abcabcabc"),
        (b"\x05" + literal(b"abc") + bytes([1 << 2 | 3, 2, 0, 0, 0]), b"abcbc"),
    ],
)
def test_each_kind_of_element_unpacks(packed: bytes, text: bytes) -> None:
    assert unpacked(packed) == text


@given(st.binary(min_size=1, max_size=70_000))
def test_text_of_any_length_may_stand_as_it_is(text: bytes) -> None:
    assert unpacked(varint(len(text)) + literal(text)) == text


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "has no end"),
        (b"\xff" * 11, "has no end"),
        (varint(2**60) + b"\0a", "11 bytes of snappy claim to be 1152921504606846976"),
        (b"\x05" + literal(b"tea"), "gives 3 bytes, expected 5"),
        (b"\x02" + literal(b"tea"), "gives 3 bytes, expected 2"),
        (b"\x09" + bytes([8 << 2]) + b"short", "ends within 9 bytes of text"),
        (b"\x09" + bytes([63 << 2]) + b"\xff\xff\xff\xff", "ends within 4294967296 bytes"),
        (b"\x04" + bytes([1 << 2 | 2, 1, 0]), "goes 1 bytes back, but 0 are there"),
        (b"\x04" + literal(b"a") + bytes([1 << 2 | 2, 0, 0]), "goes 0 bytes back"),
        (b"\x04" + literal(b"a") + bytes([1 << 2 | 3, 255, 255, 255, 255]), "goes 4294967295"),
        (b"\x04" + literal(b"ab") + bytes([1 << 2 | 2]), "goes 0 bytes back"),
    ],
)
def test_what_is_not_snappy_is_refused(packed: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"^block: .*({message})"):
        unpacked(packed)


@given(st.data())
def test_any_damage_is_an_error_or_text_of_the_size_claimed(data: st.DataObject) -> None:
    packed = bytearray(DATA.joinpath("snappy.index").read_bytes()[:900])
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        text = unpacked(bytes(packed))
    except CheckpointError:
        return
    assert len(text) < 22 * len(packed)
