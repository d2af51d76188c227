"""Calibration texts become token ids, and a vocabulary that doesn't know them is noticed."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.engine import calibration as module
from bertie.engine.calibration import MOST_TOKENS, calibrate, calibration_text
from bertie.errors import CalibrationWarning, InputError
from bertie.tokenize import Tokenizer, Vocab

POSITIONS = 64
# The first sequence that is drawn, as token ids of `letters`.
DRAWN = [2, 161, 41, 189, 154, 108, 40, 152, 122, 3]


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    """A tokenizer that knows every word of ASCII, letter by letter."""
    characters = [chr(code) for code in range(33, 127)]
    pieces = [f"##{character}" for character in characters]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]"]
    return Tokenizer.from_vocab(Vocab([*special, *characters, *pieces]))


@pytest.fixture(scope="module")
def han() -> Tokenizer:
    """A tokenizer that knows no word of English."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return Tokenizer.from_vocab(Vocab([*special, *(chr(code) for code in range(0x4E00, 0x4EC8))]))


def test_the_shipped_texts_are_short_and_long(minilm: Path) -> None:
    text = calibration_text(None)
    assert 100 <= len(text.texts) <= 150
    with warnings.catch_warnings(action="error"):
        found = calibrate(text, Tokenizer.load(minilm), 512)
    assert not found.drawn
    assert found.note is None
    assert found.lengths.min() < 8
    assert 128 < found.lengths.max() < 512, "none is cut"
    assert len(found.ids) == found.lengths.sum() > 2500
    assert found.setting().origin == "Bertie's calibration.txt"


def test_long_texts_are_cut_to_the_positions_and_many_to_the_limit(letters: Tokenizer) -> None:
    found = calibrate(calibration_text(["abc " * 100, "d"]), letters, POSITIONS)
    assert found.lengths.tolist() == [POSITIONS, 3]
    many = calibrate(calibration_text(["abc " * 100] * 2000), letters, POSITIONS)
    assert MOST_TOKENS - POSITIONS < len(many.ids) <= MOST_TOKENS


def test_one_text_beyond_the_limit_is_cut_to_it(letters: Tokenizer) -> None:
    found = calibrate(calibration_text(["abc " * MOST_TOKENS]), letters, 2 * MOST_TOKENS)
    assert found.lengths.tolist() == [MOST_TOKENS]


def test_the_hash_is_over_the_texts() -> None:
    given = [["a", "b"], ["a b"], ["b", "a"]]
    assert len({calibration_text(texts).sha256 for texts in given}) == 3
    assert calibration_text(["a"]).sha256 == calibration_text(("a",)).sha256


def test_a_file_has_one_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text("\ufeffone text\n\n  \nünd another\n", encoding="utf-8")
    text = calibration_text(path)
    assert text.texts == ("one text", "ünd another")
    assert text.origin == "caller's sample.txt"
    assert calibration_text(str(path)) == text
    assert calibration_text(["one text", "ünd another"]).sha256 == text.sha256


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"sample.txt can't be read: No such file .* expected a file with one text a line"),
        (b"caf\xe9", r"sample.txt isn't UTF-8 at byte 3; save it as UTF-8"),
        (b" \n\n", r"sample.txt holds no texts; expected one a line"),
        (b"a" * 101, r"sample.txt has 101 bytes, expected at most 100"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    monkeypatch.setattr(module, "_LARGEST_FILE", 100)
    path = tmp_path / "sample.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        calibration_text(path)


@pytest.mark.parametrize("given", [[], ["a", ""], ["a", None], 3, b"a", {"a": 1}])
def test_what_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"calibration is .*, expected a file with one text a"):
        calibration_text(given)


def test_unknown_texts_of_bertie_give_way_to_sequences_from_the_vocabulary(
    han: Tokenizer,
) -> None:
    match = r"doesn't know 100% of the tokens of Bertie's .* drawn from the vocabulary are used"
    with pytest.warns(CalibrationWarning, match=match):
        found = calibrate(calibration_text(None), han, POSITIONS)
    assert found.drawn
    assert found.note is not None
    assert found.setting().origin == "drawn from the vocabulary"
    assert set(found.lengths.tolist()) == {10, 18, 34, POSITIONS}
    ends = np.cumsum(found.lengths)
    framed = {*(ends - found.lengths).tolist(), *(ends - 1).tolist()}
    special = {han.id_of(name) for name in ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")}
    assert {i for i, id in enumerate(found.ids.tolist()) if id in special} == framed
    assert len(set(found.ids.tolist())) > 0.9 * han.vocab_size


def test_what_is_drawn_stays_the_same(letters: Tokenizer) -> None:
    ids, lengths = module._draw(letters, POSITIONS)
    again, _ = module._draw(letters, POSITIONS)
    assert np.array_equal(ids, again)
    assert ids[:10].tolist() == DRAWN
    assert lengths[0] == 10


def test_a_callers_unknown_texts_are_used_with_a_warning(tiny_bert: Path) -> None:
    with pytest.warns(CalibrationWarning, match=r"of the tokens of caller: int8 may lose fidelity"):
        found = calibrate(
            calibration_text(["東京 大阪 река"]), Tokenizer.load(tiny_bert), POSITIONS
        )
    assert not found.drawn
    assert len(found.lengths) == 1
