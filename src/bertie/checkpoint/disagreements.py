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
        one
        for one in _stated(files, [*((name, keys) for keys in LENGTHS), *_LENGTHS])
        if type(one.value) is int and one.value < _NO_LIMIT
    ]
    flags = [
        one
        for one in _stated(files, [(name, ("do_lower_case",)), *_LOWER])
        if type(one.value) is bool
    ]
    notes = [
        _note("maximum length", lengths, f"{length} tokens are used"),
        _note("lower-casing", flags, f"texts are {'' if lower else 'not '}lower-cased"),
    ]
    return [note for note in notes if note]


def _stated(
    files: Mapping[str, Any], places: Sequence[tuple[str, tuple[str, ...]]]
) -> list[Setting]:
    """Collect what the files state, each with its origin."""
    found = []
    for file, keys in places:
        value = files.get(file)
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            found.append(Setting(value, f"{file}: {'.'.join(keys)}"))
    return found


def _note(what: str, stated: Sequence[Setting], verdict: str) -> str | None:
    """Put statements that differ into one sentence."""
    if len({one.value for one in stated}) < 2:
        return None
    said = ", ".join(f"{one.origin} says {_shown(one.value)}" for one in stated)
    return f"the files disagree on {what}: {said}; {verdict}"


def _shown(value: Any) -> str:
    """Write a value as JSON would."""
    return str(value).lower()
