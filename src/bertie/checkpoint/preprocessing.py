"""How sentence-transformers' Transformer reads texts: sentence_bert_config.json, of any name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import read_flag, read_object, require_positive
from bertie.errors import CheckpointError
from bertie.known import SENTENCE_CONFIGS, check, unlisted
from bertie.known.sentence import TRANSFORMER_CONFIGS

# Where a length is stated, the first that counts before the others, as in sentence-transformers 6:
# what its tokenizer is called with, then what it is made with.
LENGTHS = (
    ("processing_kwargs", "common", "max_length"),
    ("processing_kwargs", "text", "max_length"),
    ("processor_kwargs", "model_max_length"),
    ("tokenizer_args", "model_max_length"),
    ("max_seq_length",),
)


def transformer_config(directory: Path) -> tuple[Mapping[str, Any], str]:
    """Read the first file of TRANSFORMER_CONFIGS that there is and that isn't empty.

    Args:
        directory: the encoder's.
    Returns: what it holds, and its name; nothing and the usual name where there is none.
    Raises: CheckpointError: it isn't a JSON object.
    """
    for name in TRANSFORMER_CONFIGS:
        if (directory / name).is_file() and (raw := read_object(directory / name)):
            return raw, name
    return {}, TRANSFORMER_CONFIGS[0]


def read_preprocessing(raw: Mapping[str, Any], name: str, kind: str) -> dict[str, Any]:
    """Read max_seq_length and its like, and do_lower_case.

    Args:
        raw, name: as transformer_config gives them.
        kind: the task, or "pylate", whose lengths are elsewhere.
    Returns: fields of SentenceLayout.
    Raises: CheckpointError: a key that changes results and that isn't read, or a wrong value.
    """
    notes = check(SENTENCE_CONFIGS, raw, name, where=kind) + unlisted(SENTENCE_CONFIGS, raw, name)
    found: dict[str, Any] = {"notes": notes}
    length = next(_lengths(raw, name), None)
    # Beside PyLate's projection it is the length of what was read last, query or document.
    if length is not None and kind != "pylate":
        found["max_length"] = length
    lower = read_flag(raw, "do_lower_case", name, default=False)
    if "do_lower_case" in raw:
        found["lower_first"] = Setting(lower, f"{name}: do_lower_case")
    return found


def _lengths(raw: Mapping[str, Any], name: str) -> Iterator[Setting]:
    """Give the lengths that are stated, in the order in which they count."""
    for keys in LENGTHS:
        value: Any = raw
        for place, key in enumerate(keys):
            value = value.get(key)
            if value is None:
                break
            if place < len(keys) - 1 and not isinstance(value, Mapping):
                path = ".".join(keys[: place + 1])
                raise CheckpointError(f"{name}: {path} is {shown(value)}, expected an object")
        if value is None:
            continue
        where = f"{name}: {'.'.join(keys)}"
        yield Setting(require_positive(value, where, "a number of tokens"), where)
