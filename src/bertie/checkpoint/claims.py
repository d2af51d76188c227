"""What a checkpoint's files say about the same thing, where they may disagree."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bertie.checkpoint.files import read_object
from bertie.config import Setting

# Where a directory's files state the most tokens of a text, and whether to lower-case it.
_LENGTHS = (
    ("sentence_bert_config.json", ("max_seq_length",)),
    ("tokenizer_config.json", ("model_max_length",)),
    ("tokenizer.json", ("truncation", "max_length")),
)
# transformers writes 1e30 as model_max_length where it knows no limit.
_NO_LIMIT = 10**29
_LOWER = (
    ("sentence_bert_config.json", ("do_lower_case",)),
    ("tokenizer_config.json", ("do_lower_case",)),
    ("tokenizer.json", ("normalizer", "lowercase")),
)


def length_note(directory: Path, used: int) -> str | None:
    """Say that files disagree on the maximum length, if they do.

    Args:
        directory: the encoder's.
        used: the tokens that the settled maximum length allows.
    """
    claims = [
        claim
        for claim in _claims(directory, _LENGTHS)
        if type(claim.value) is int and claim.value < _NO_LIMIT
    ]
    return _note("maximum length", claims, f"{used} tokens are used")


def lower_note(directory: Path, used: bool) -> str | None:
    """Say that files disagree on lower-casing, if they do.

    Args:
        directory: the encoder's.
        used: whether texts are lower-cased.
    """
    claims = [claim for claim in _claims(directory, _LOWER) if type(claim.value) is bool]
    return _note("lower-casing", claims, f"texts are {'' if used else 'not '}lower-cased")


def _claims(directory: Path, places: Sequence[tuple[str, tuple[str, ...]]]) -> list[Setting]:
    """Collect what the files state; what a file doesn't state is no claim."""
    claims = []
    for file, keys in places:
        if (directory / file).is_file():
            value: Any = read_object(directory / file)
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                claims.append(Setting(value, f"{file}: {'.'.join(keys)}"))
    return claims


def _note(what: str, claims: Sequence[Setting], verdict: str) -> str | None:
    """Put claims that differ into one sentence."""
    if len({claim.value for claim in claims}) < 2:
        return None
    said = ", ".join(f"{claim.origin} says {_shown(claim.value)}" for claim in claims)
    return f"the files disagree on {what}: {said}; {verdict}"


def _shown(value: Any) -> str:
    """Write a value as JSON would."""
    return str(value).lower()
