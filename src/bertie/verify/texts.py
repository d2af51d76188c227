"""The texts that two models are compared with."""

from collections.abc import Sequence
from pathlib import Path

from bertie.engine.calibration import CalibrationText, calibration_text
from bertie.errors import InputError

# More tell no more, and each is ranked against all the others.
MOST_TEXTS = 2000


def verification_texts(given: str | Path | Sequence[str] | None = None) -> CalibrationText:
    """Find the texts to compare with.

    Args:
        given: a file of UTF-8 with one text a line, or texts; None takes those that Bertie has.
    Raises: InputError: there is no such file, it can't be read, it holds no texts or too many.
    """
    found = calibration_text(given)
    if len(found.texts) > MOST_TEXTS:
        raise InputError(
            f"{found.origin} has {len(found.texts)} texts to verify with, expected at most"
            f" {MOST_TEXTS}: each is ranked against all others"
        )
    return found
