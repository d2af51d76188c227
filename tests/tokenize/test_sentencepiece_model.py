"""SentencePiece's file, as a writer here gives it and as whoever broke it."""

import struct
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import TokenizerError
from bertie.tokenize import sentencepiece_model
from bertie.tokenize.sentencepiece_model import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    read_sentencepiece,
)
from tests.wire import block, number, varint

_UNKNOWN = ("<unk>", 0.0, UNKNOWN)


def score(value: float) -> bytes:
    return b"\x15" + struct.pack("<f", value)


def piece(text: str | bytes, value: float = -1.5, kind: int = NORMAL) -> bytes:
    """Write a piece as SentencePiece does: the type only where it isn't normal."""
    own = text.encode() if isinstance(text, str) else text
    inner = block(1, own) + score(value)
    return block(1, inner + (b"\x18" + varint(kind) if kind != NORMAL else b""))


def written(*pieces: Any, trainer: bytes = b"", normalizer: bytes = b"") -> bytes:
    own = b"".join(piece(*one) for one in (_UNKNOWN, *pieces))
    return own + block(2, trainer) + block(3, normalizer)


def read(folder: Path, data: bytes) -> Any:
    path = folder / "spm.model"
    path.write_bytes(data)
    return read_sentencepiece(path)


def test_pieces_have_their_scores_and_types_in_the_file_s_order(tmp_path: Path) -> None:
    long = "x" * 200
    found = read(
        tmp_path,
        written(("a", -0.5), ("▁é", -2.25, USER_DEFINED), ("<0x00>", 0.0, BYTE), (long, -3.0)),
    )
    assert found.pieces == ("<unk>", "a", "▁é", "<0x00>", long)
    assert found.scores == (0.0, -0.5, -2.25, 0.0, -3.0)
    assert found.types == (UNKNOWN, NORMAL, USER_DEFINED, BYTE, NORMAL)
    assert found.of_type(USER_DEFINED, BYTE) == [2, 3]


@pytest.mark.parametrize("length", [1, 120, 126, 127, 128, 129, 133, 134, 135, 136, 200, 20000])
def test_a_piece_s_length_is_read_however_it_is_written(length: int, tmp_path: Path) -> None:
    assert read(tmp_path, written(("x" * length,))).pieces[1] == "x" * length


def test_a_piece_s_fields_may_come_in_any_order_and_unknown_ones_between(tmp_path: Path) -> None:
    inner = b"\x18\x03" + score(-4.0) + block(9, b"later") + block(1, b"<s>")
    found = read(tmp_path, written() + block(1, inner))
    assert (found.pieces[1], found.scores[1], found.types[1]) == ("<s>", -4.0, CONTROL)


def test_what_the_specs_leave_out_is_as_sentencepiece_has_it(tmp_path: Path) -> None:
    found = read(tmp_path, written())
    assert (found.algorithm_name, found.unknown, found.charsmap) == ("unigram", 0, b"")
    assert (found.byte_fallback, found.dummy_prefix, found.collapses_spaces) == (False, True, True)


def test_the_specs_are_read(tmp_path: Path) -> None:
    trainer = b"\x18\x02" + number(35, 1) + number(40, 1)
    normalizer = block(2, b"table") + b"\x18\x00\x20\x00"
    found = read(tmp_path, written(("a",), trainer=trainer, normalizer=normalizer))
    assert (found.algorithm, found.algorithm_name, found.unknown) == (BPE, "bpe", 1)
    assert (found.byte_fallback, found.dummy_prefix, found.collapses_spaces) == (True, False, False)
    assert found.charsmap == b"table"


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (written()[:-1], "the number at byte 19 has no end"),
        (written()[:5], "isn't whole|claims"),
        (b"\x0a" + varint(2**62) + b"abc", r"a field claims 4611686018427387904 bytes, but 3 are"),
        (b"\x0a" + b"\xff" * 11, "has no end"),
        (b"", "there are no pieces"),
        (b"not a model at all", "fetch it again|unknown kind|expected"),
        (b"\x08\x05", "field 1 is a number, expected a message"),
        (written() + b"\x10\x01", "field 2 is a number, expected a message"),
        (written() + block(1, b"\x08\x41"), "piece 1: field 1 is written as kind 0, expected 2"),
        (written() + block(1, b"\x10\x01"), "field 2 is written as kind 0, expected 5"),
        (written() + block(1, b"\x12\x01a"), "field 2 is written as kind 2, expected 5"),
        (written() + block(1, b"\x11" + bytes(8)), "field 2 is written as kind 1, expected 5"),
        (written() + block(1, b"\x1d" + bytes(4)), "field 3 is written as kind 5, expected 0"),
        (written() + block(1, b"\x0a\x7fa"), "claims 127 bytes, but 1 are left"),
        (written(("a", float("nan"))), "piece 1: the score is nan, expected a finite number"),
        (written(("a", float("-inf"))), "piece 1: the score is -inf"),
        (written(("a", 0.0, 7)), "piece 1: its type is 7, expected 1 to 6"),
        (written(("a", 0.0, 0)), "piece 1: its type is 0"),
        (written(("a", 0.0, 2**63)), "its type is 9223372036854775808"),
        (written((b"\xff\xfe",)), r"piece 1: b.* is not UTF-8"),
        (written(("",)), "piece 1 has no text"),
        (written(("a",), ("b",), ("a",)), "piece 3 is 'a', which piece 1 is"),
        (piece("a"), "0 pieces are of type 2, expected one"),
        (written(("u", 0.0, UNKNOWN)), "2 pieces are of type 2, expected one"),
        (written(trainer=number(40, 9)), "unk_id is 9, expected one of its 1 pieces"),
        (written(trainer=number(40, -1)), "unk_id is -1, expected one"),
        (written(trainer=b"\x1a\x01a"), "trainer_spec: field 3 is bytes, expected a number"),
        (written(normalizer=b"\x10\x01"), "normalizer_spec: field 2 is a number, expected bytes"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong(
    data: bytes, seen: str, tmp_path: Path
) -> None:
    with pytest.raises(TokenizerError, match=seen):
        read(tmp_path, data)


def test_a_file_cut_anywhere_is_refused_or_is_a_smaller_whole(tmp_path: Path) -> None:
    data = written(("a",), ("b", -2.0, CONTROL), normalizer=block(2, b"abc"))
    for end in range(len(data)):
        try:
            found = read(tmp_path, data[:end])
        except TokenizerError:
            continue
        assert found.pieces == ("<unk>", "a", "b")[: len(found.pieces)]


def test_more_than_anything_real_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentencepiece_model, "_MOST_PIECES", 2)
    assert len(read(tmp_path, written(("a",))).pieces) == 2
    with pytest.raises(TokenizerError, match="more than 2 pieces"):
        read(tmp_path, written(("a",), ("b",)))
    monkeypatch.setattr(sentencepiece_model, "_LARGEST", 5)
    with pytest.raises(TokenizerError, match="bytes, expected at most 5"):
        read(tmp_path, written())


def test_a_file_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"x\.model: .*, expected a SentencePiece model"):
        read_sentencepiece(tmp_path / "x.model")
