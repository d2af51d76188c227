"""What a checkpoint's files say about the same thing, where they may disagree."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import read_object
from bertie.checkpoint.preprocessing import LENGTHS, transformer_config

# Where a tokenizer's files state the most tokens of a text, and whether to lower-case it.
_LENGTHS = (
    ("tokenizer_config.json", ("model_max_length",)),
    ("tokenizer.json", ("truncation", "max_length")),
)
# transformers writes 1e30 as model_max_length where it knows no limit.
_NO_LIMIT = 10**29
_LOWER = (
    ("tokenizer_config.json", ("do_lower_case",)),
    ("tokenizer.json", ("normalizer", "lowercase")),
)


def disagreements(directory: Path, length: int, lower: bool) -> list[str]:
    """Say on what the files disagree.

    Args:
        directory: the encoder's.
        length: the tokens that the settled maximum length allows.
        lower: whether texts are lower-cased.
    Returns: a sentence for each of the two that the files state differently.
    """
    names = dict.fromkeys(file for file, _ in (*_LENGTHS, *_LOWER))
    files = {name: read_object(directory / name) for name in names if (directory / name).is_file()}
    raw, name = transformer_config(directory)
    files[name] = dict(raw)
    lengths = [
        claim
        for claim in _claims(files, [*((name, keys) for keys in LENGTHS), *_LENGTHS])
        if type(claim.value) is int and claim.value < _NO_LIMIT
    ]
    flags = [
        claim
        for claim in _claims(files, [(name, ("do_lower_case",)), *_LOWER])
        if type(claim.value) is bool
    ]
    notes = [
        _note("maximum length", lengths, f"{length} tokens are used"),
        _note("lower-casing", flags, f"texts are {'' if lower else 'not '}lower-cased"),
    ]
    return [note for note in notes if note]


def _claims(
    files: Mapping[str, Any], places: Sequence[tuple[str, tuple[str, ...]]]
) -> list[Setting]:
    """Collect what the files state; what a file doesn't state is no claim."""
    claims = []
    for file, keys in places:
        value = files.get(file)
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
