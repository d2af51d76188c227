"""What a classifier's outputs are called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.tensor import Tensor


@dataclass(frozen=True)
class Labels:
    """The names of a classifier's outputs.

    Attributes:
        names: one for each output, in order.
        origin: where they are from: a file and its key, or "default" where they are numbered.
        notes: where the config disagrees with the classifier, and what was chosen.
    """

    names: tuple[str, ...]
    origin: str
    notes: tuple[str, ...] = ()


def read_labels(raw: Mapping[str, Any], weight: Tensor, where: str) -> Labels:
    """Name a classifier's outputs; what the config doesn't name is LABEL_ and its number.

    Args:
        raw: the config.
        weight: the classifier's last, (outputs, in); it decides how many labels there are.
        where: what messages call the config.
    """
    count = weight.shape[0]
    key, stated = _stated(raw)
    found = {number: name for number, name in stated.items() if number < count}
    names = tuple(found.get(number, f"LABEL_{number}") for number in range(count))
    notes = []
    size = raw.get("num_labels")
    if size is not None and size != count:
        notes.append(
            f"{where}: num_labels is {shown(size)}, but {weight.name} has {count} outputs;"
            f" {count} are used"
        )
    if raw.get(key) is not None and stated.keys() != set(range(count)):
        notes.append(
            f"{where}: {key} names {len(stated)} labels, but {weight.name} has {count} outputs;"
            " those without a name are LABEL_ and their number"
        )
    other = _numbered(_pairs(raw, "label2id"))
    if key == "id2label" and other != stated and set(other.values()) == set(stated.values()):
        notes.append(
            f"{where}: id2label and label2id number the same labels differently; id2label is used"
        )
    return Labels(names, f"{where}: {key}" if found else "default", tuple(notes))


def _stated(raw: Mapping[str, Any]) -> tuple[str, dict[int, str]]:
    """Find the labels that a config names, by number, and the key that names them."""
    key = "label2id" if raw.get("id2label") is None and "label2id" in raw else "id2label"
    return key, _numbered(_pairs(raw, key))


def _pairs(raw: Mapping[str, Any], key: str) -> list[tuple[Any, Any]]:
    """List the numbers and names under a key; label2id has them the other way round."""
    listed = raw.get(key)
    pairs = list(listed.items()) if isinstance(listed, Mapping) else []
    return [(number, name) for name, number in pairs] if key == "label2id" else pairs


def _numbered(pairs: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Keep the pairs that are the number of an output and its name."""
    return {
        int(number): name for number, name in pairs if isinstance(name, str) and _counts(number)
    }


def _counts(number: Any) -> bool:
    """Tell whether a value, which JSON may have as a string, can be the number of an output."""
    if isinstance(number, str):
        return number.isascii() and number.isdigit() and len(number) < 10
    return type(number) is int and number >= 0
