"""A SentencePiece model's file: its pieces with their scores, and how it normalizes.

Source: sentencepiece_model.proto of google/sentencepiece.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from bertie.checkpoint.protobuf import (
    BYTES,
    FIXED32,
    VARINT,
    Message,
    as_text,
    fields_as_written,
)
from bertie.errors import CheckpointError, TokenizerError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
UNIGRAM, BPE = 1, 2
_ALGORITHMS = {UNIGRAM: "unigram", BPE: "bpe", 3: "word", 4: "char"}
# XLM-V has 901 629 pieces in 18 MB, the most that is known of.
_MOST_PIECES = 2**21
_LARGEST = 2**28  # bytes
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of the whole
_TEXT, _SCORE, _TYPE = 1, 2, 3  # fields of a piece
_FLOAT = Struct("<f")


@dataclass(frozen=True)
class SentencePieceModel:
    """What a file says.

    Attributes:
        pieces: by the file's ids.
        scores: of each, their logarithmic probabilities.
        types: of each, NORMAL to BYTE.
        algorithm: UNIGRAM, BPE or another of the file format's.
        unknown: the id of what stands for characters that no piece has.
        charsmap: the normalizer's compiled table; empty: it has none.
        byte_fallback: characters that no piece has are pieces of their bytes.
        dummy_prefix: a text begins as if a space stood before it.
        collapses_spaces: spaces at the ends are dropped, and runs of them are one.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    algorithm: int
    unknown: int
    charsmap: bytes
    byte_fallback: bool
    dummy_prefix: bool
    collapses_spaces: bool

    @property
    def algorithm_name(self) -> str:
        return _ALGORITHMS.get(self.algorithm, str(self.algorithm))

    def of_type(self, *types: int) -> list[int]:
        """List the ids of the pieces of some types."""
        return [id for id, one in enumerate(self.types) if one in types]


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Read a model's file.

    Raises: TokenizerError: it can't be read, isn't whole, or holds what SentencePiece never writes.
    """
    try:
        if (size := path.stat().st_size) > _LARGEST:
            raise TokenizerError(f"{path} has {size} bytes, expected at most {_LARGEST}")
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise TokenizerError(f"{path}: {error.strerror}, expected a SentencePiece model") from error
    try:
        return _read(data, str(path))
    except CheckpointError as error:
        raise TokenizerError(f"{error} (a SentencePiece model was expected)") from error


def _read(data: memoryview, where: str) -> SentencePieceModel:
    pieces: list[str] = []
    scores: list[float] = []
    types: list[int] = []
    specs = {_TRAINER: memoryview(b""), _NORMALIZER: memoryview(b"")}
    for field, _, value in fields_as_written(data, where):
        if field != _PIECES and field not in specs:
            continue
        if isinstance(value, int):
            raise TokenizerError(f"{where}: field {field} is a number, expected a message")
        if field in specs:
            specs[field] = value
            continue
        if len(pieces) == _MOST_PIECES:
            raise TokenizerError(f"{where}: more than {_MOST_PIECES} pieces: fetch it again")
        text, score, kind = _piece(bytes(value), where, len(pieces))
        pieces.append(text)
        scores.append(score)
        types.append(kind)
    trainer = Message(specs[_TRAINER], f"{where}: trainer_spec")
    normalizer = Message(specs[_NORMALIZER], f"{where}: normalizer_spec")
    _check_pieces(pieces, types, where)
    return SentencePieceModel(
        tuple(pieces),
        tuple(scores),
        tuple(types),
        algorithm=trainer.number(3, UNIGRAM),
        unknown=_unknown(trainer.signed(40), len(pieces), where),
        charsmap=bytes(normalizer.bytes(2)),
        byte_fallback=bool(trainer.number(35)),
        dummy_prefix=bool(normalizer.number(3, 1)),
        collapses_spaces=bool(normalizer.number(4, 1)),
    )


def _piece(data: bytes, file: str, id: int) -> tuple[str, float, int]:
    """Read a piece's text, score and type.

    Nearly all are written as their text of less than 128 bytes and their score alone; to read those
    at once halves the time of a large vocabulary.
    """
    size = len(data)
    try:
        if 7 < size < 7 + 128 and data[0] == 0x0A and data[1] == size - 7 and data[-5] == 0x15:
            text, score, kind = data[2:-5].decode(), _FLOAT.unpack_from(data, size - 4)[0], NORMAL
        else:
            text, score, kind = _written_otherwise(memoryview(data), f"{file}: piece {id}")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{file}: piece {id}: {data[:40]!r} is not UTF-8") from error
    if not math.isfinite(score):
        raise TokenizerError(f"{file}: piece {id}: the score is {score}, expected a finite number")
    return text, score, kind


def _written_otherwise(data: memoryview, where: str) -> tuple[str, float, int]:
    """Read a piece in general."""
    text, score, kind = memoryview(b""), 0.0, NORMAL
    expected = {_TEXT: BYTES, _SCORE: FIXED32, _TYPE: VARINT}
    for field, written, value in fields_as_written(data, where):
        if written != expected.get(field, written):
            raise TokenizerError(
                f"{where}: field {field} is written as kind {written}, expected {expected[field]}:"
                " fetch it again"
            )
        if isinstance(value, memoryview):
            text = value if field == _TEXT else text
        elif field == _SCORE:
            score = _FLOAT.unpack(value.to_bytes(4, "little"))[0]
        elif field == _TYPE:
            kind = value
    if not NORMAL <= kind <= BYTE:
        raise TokenizerError(f"{where}: its type is {kind}, expected 1 to {BYTE}")
    return as_text(text, where), score, kind


def _check_pieces(pieces: list[str], types: list[int], where: str) -> None:
    """Refuse what SentencePiece itself refuses: pieces without a text, or twice."""
    if not pieces:
        raise TokenizerError(f"{where}: there are no pieces, expected a SentencePiece model")
    ids: dict[str, int] = {}
    for id, piece in enumerate(pieces):
        if not piece:
            raise TokenizerError(f"{where}: piece {id} has no text: fetch it again")
        if ids.setdefault(piece, id) != id:
            raise TokenizerError(
                f"{where}: piece {id} is {piece[:40]!r}, which piece {ids[piece]} is: fetch it"
                " again"
            )
    if (unknown := types.count(UNKNOWN)) != 1:
        raise TokenizerError(
            f"{where}: {unknown} pieces are of type {UNKNOWN}, expected one, which stands for"
            " characters that no piece has"
        )


def _unknown(id: int, count: int, where: str) -> int:
    """Check which piece the training took for unknown characters."""
    if not 0 <= id < count:
        raise TokenizerError(f"{where}: unk_id is {id}, expected one of its {count} pieces")
    return id
