"""Calibration texts: a sample of what a model will read, as token ids."""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import Setting
from bertie.engine.batching import gather
from bertie.errors import CalibrationWarning, InputError
from bertie.tokenize import Tokenizer
from bertie.tokenize.special_tokens import special_tokens_of

Ints = NDArray[np.int32]

# A share of unknown tokens beyond which texts say little about what the model will read.
MOST_UNKNOWN = 0.2
# Tokens beyond these are left out: the peaks hardly move after some thousands.
MOST_TOKENS = 32_768
# Bytes of a caller's file: more is surely a mistake.
_LARGEST_FILE = 16 << 20

# Sequences drawn from the vocabulary: their lengths, in tokens, and the generator's seed.
_DRAWN_LENGTHS = (8, 16, 32, 64, 128) * 8
_DRAWN_SEED = 20221118


@dataclass(frozen=True)
class CalibrationText:
    """Texts to calibrate with.

    Attributes:
        texts: them.
        origin: where they come from.
    """

    texts: tuple[str, ...]
    origin: str

    @property
    def sha256(self) -> str:
        """A hash of the texts, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.texts).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Calibration:
    """Token ids to calibrate with.

    Attributes:
        text: what they were to be made from.
        ids, type_ids: (tokens,) int32, sequences one after another.
        lengths: (sequences,) int32, tokens in each.
        drawn: whether they are drawn from the vocabulary, the texts' tokens being unknown to it.
        note: what is worth knowing about them, or None.
    """

    text: CalibrationText
    ids: Ints
    type_ids: Ints
    lengths: Ints
    drawn: bool
    note: str | None

    def setting(self) -> Setting:
        """Describe it as a setting of the model."""
        value = {
            "sha256": self.text.sha256,
            "sequences": len(self.lengths),
            "tokens": len(self.ids),
        }
        return Setting(value, "drawn from the vocabulary" if self.drawn else self.text.origin)


def calibration_text(given: str | Path | Sequence[str] | None) -> CalibrationText:
    """Find the texts to calibrate with.

    Args:
        given: a file of UTF-8 with one text a line, or texts; None takes those that Bertie has.
    Raises: InputError: there is no such file, it can't be read, or it holds no texts.
    """
    if given is None:
        return _shipped()
    if isinstance(given, (str, Path)):
        return _from_file(Path(given))
    texts = tuple(given) if isinstance(given, Sequence) and not isinstance(given, bytes) else ()
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise InputError(
            f"calibration is {shown(given)}, expected a file with one text a line, or a list of"
            " texts that aren't empty"
        )
    return CalibrationText(texts, "caller")


def calibrate(text: CalibrationText, tokenizer: Tokenizer, positions: int) -> Calibration:
    """Make token ids of calibration texts.

    Args:
        text: the texts. Where the vocabulary doesn't know over MOST_UNKNOWN of the tokens of
            Bertie's own, sequences drawn from the vocabulary take their place.
        tokenizer: the model's.
        positions: the most tokens of a sequence; longer texts are cut.
    Warns: CalibrationWarning: over MOST_UNKNOWN of the tokens are unknown.
    """
    positions = min(positions, MOST_TOKENS)
    packed = tokenizer.encode_batch(text.texts, max_length=positions)
    # Which sequences there is an embedding for every token of.
    known = np.logical_and.reduceat(
        packed.ids < tokenizer.readable, np.cumsum(packed.lengths) - packed.lengths
    )
    kept = np.flatnonzero(known & (np.cumsum(packed.lengths, dtype=np.int64) <= MOST_TOKENS))
    ids, type_ids, lengths = gather(packed.ids, packed.type_ids, packed.lengths, kept)
    unknown = _unknown_share(ids, len(lengths), tokenizer)
    if unknown <= MOST_UNKNOWN:
        return Calibration(text, ids, type_ids, lengths, False, None)
    drawn = text == _shipped()
    seen = f"calibration: the vocabulary doesn't know {unknown:.0%} of the tokens of {text.origin}"
    note = (
        f"{seen}; sequences drawn from the vocabulary are used instead:"
        if drawn
        else f"{seen}: int8 may lose fidelity:"
    ) + " give texts like those that the model will read as calibration"
    # Above calibrate are its caller, prepare, specify and load: the sixth is load's caller.
    warnings.warn(note, CalibrationWarning, stacklevel=6)
    if drawn:
        ids, lengths = _draw(tokenizer, positions)
        type_ids = np.zeros_like(ids)
    return Calibration(text, ids, type_ids, lengths, drawn, note)


@cache
def _shipped() -> CalibrationText:
    """Read the texts that come with Bertie."""
    from importlib.resources import files  # here because only int8 takes the time to import it

    content = (files("bertie") / "data" / "calibration.txt").read_text(encoding="utf-8")
    return CalibrationText(tuple(content.splitlines()), "Bertie's calibration.txt")


def _from_file(path: Path) -> CalibrationText:
    """Read a caller's file, one text a line; blank lines don't count."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(
                f"calibration: {path} has {path.stat().st_size} bytes, expected at most"
                f" {_LARGEST_FILE}: some thousand tokens are enough"
            )
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(
            f"calibration: {path} can't be read: {error.strerror}; expected a file with one text"
            " a line"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"calibration: {path} isn't UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error
    texts = tuple(line for line in lines if line.strip())
    if not texts:
        raise InputError(f"calibration: {path} holds no texts; expected one a line")
    return CalibrationText(texts, f"caller's {path.name}")


def _unknown_share(ids: Ints, sequences: int, tokenizer: Tokenizer) -> float:
    """Tell which share of the tokens, special ones aside, the vocabulary doesn't know."""
    unknown = tokenizer.vocab.ids.get(tokenizer.settings["unk_token"].value)
    own = len(ids) - sequences * len(tokenizer.encode("").ids)
    if unknown is None or own <= 0:
        return 0.0
    return float(np.count_nonzero(ids == unknown)) / own


def _draw(tokenizer: Tokenizer, positions: int) -> tuple[Ints, Ints]:
    """Draw sequences of ordinary tokens as texts have them, the same every time."""
    ids = {token: id for token, id in tokenizer.vocab.ids.items() if id < tokenizer.readable}
    ordinary = np.array(_ordinary(ids, tokenizer.settings), np.int32)
    special = special_tokens_of(tokenizer)
    before, after = np.array(special.before, np.int32), np.array(special.after, np.int32)
    # The generator's raw output is what NumPy promises to keep.
    generator = np.random.PCG64(_DRAWN_SEED)
    sequences = []
    for length in _DRAWN_LENGTHS:
        room = positions - len(before) - len(after)
        places = generator.random_raw(max(min(length, room), 1)) % len(ordinary)
        sequences.append(np.concatenate([before, ordinary[places], after]))
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    return np.concatenate(sequences), lengths


def _ordinary(ids: Mapping[str, int], settings: Mapping[str, Any]) -> list[int]:
    """List the ids of tokens that stand for text."""
    special = {setting.value for name, setting in settings.items() if name.endswith("_token")}
    ordinary = sorted(
        id for token, id in ids.items() if token not in special and not token.startswith("[unused")
    )
    return ordinary or sorted(ids.values())
