"""The wire reader of protocol buffers, on bytes that the encoding guide and a writer here give."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.protobuf import Message, as_signed, fields, varint
from bertie.errors import CheckpointError
from tests.wire import varint as written


def message(data: bytes) -> Message:
    """Read a message that a test spells out."""
    return Message(memoryview(data), "x.pb")


def test_the_guides_own_examples_read_as_it_says() -> None:
    assert message(b"\x08\x96\x01").number(1) == 150
    assert message(b"\x12\x07testing").text(2) == "testing"
    assert message(b"\x1a\x03\x08\x96\x01").message(3).number(1) == 150
    assert list(message(b"\x32\x06\x03\x8e\x02\x9e\xa7\x05").numbers(6)) == [3, 270, 86942]


def test_repeated_numbers_read_the_same_packed_and_not() -> None:
    assert list(message(b"\x08\x05\x08\x07").numbers(1)) == [5, 7]
    assert list(message(b"\x0a\x02\x05\x07").numbers(1)) == [5, 7]


def test_numbers_of_fixed_width_are_little_endian() -> None:
    assert message(b"\x0d\x01\x02\x00\x00").number(1) == 0x0201
    assert message(b"\x09" + bytes(7) + b"\x80").signed(1) == -(2**63)


def test_what_is_absent_is_zero_or_empty() -> None:
    empty = message(b"")
    assert (empty.number(1), empty.signed(1, -5), empty.text(1)) == (0, -5, "")
    assert (bytes(empty.bytes(1)), list(empty.messages(1)), list(empty.numbers(1))) == (b"", [], [])


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    assert message(b"\x08\x01\x08\x02").number(1) == 2
    assert [m.number(1) for m in message(b"\x12\x02\x08\x01\x12\x02\x08\x02").messages(2)] == [1, 2]


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_any_number_reads_back(value: int) -> None:
    assert message(b"\x08" + written(value)).signed(1) == value
    assert as_signed(varint(memoryview(written(value)), 0, "x.pb")[0]) == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x08", "the number at byte 1 has no end"),
        (b"\x08" + b"\xff" * 11, "the number at byte 1 has no end"),
        (b"\x0a\x05abc", "claims 5 bytes, but 3 are left"),
        (b"\x0a" + written(2**63), f"claims {2**63} bytes, but 0 are left"),
        (b"\x0d\x01", "claims 4 bytes, but 1 are left"),
        (b"\x0b\x0c", "begins a field of unknown kind 3"),
    ],
)
def test_a_message_that_is_not_whole_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=rf"^x.pb: .*{said}"):
        message(data)


def test_a_field_of_another_kind_than_expected_is_refused() -> None:
    with pytest.raises(CheckpointError, match="field 1 is a number, expected bytes"):
        message(b"\x08\x01").bytes(1)
    with pytest.raises(CheckpointError, match="field 1 is bytes, expected a number"):
        message(b"\x0a\x01a").number(1)
    with pytest.raises(CheckpointError, match="is not UTF-8"):
        message(b"\x0a\x01\xff").text(1)


def test_a_file_of_nothing_but_empty_fields_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(CheckpointError, match="has more than 262144 fields"):
        message(b"\x0a\x00" * (2**18 + 1))


@given(data=st.binary(max_size=60))
def test_any_bytes_are_refused_or_read_within_themselves(data: bytes) -> None:
    def read() -> list[Any]:
        return [value for _, value in fields(memoryview(data), "x.pb")]

    try:
        values = read()
    except CheckpointError:
        return
    assert sum(len(value) for value in values if not isinstance(value, int)) <= len(data)
