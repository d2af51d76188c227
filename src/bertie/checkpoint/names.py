"""One name for each tensor, whatever the file calls it.

Canonical names are those of transformers' BertModel: no "bert." before them, and layer norms with
weight and bias.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Renaming:
    """One way in which files differ from the canonical names.

    Attributes:
        pattern: a regular expression over the file's name.
        becomes: what replaces it.
        found_in: the kind of checkpoint that needs it.
    """

    pattern: re.Pattern[str]
    becomes: str
    found_in: str


RENAMINGS = (
    Renaming(re.compile(r"^bert\."), "", "models saved together with a head"),
    Renaming(re.compile(r"\bLayerNorm\.gamma$"), "LayerNorm.weight", "TensorFlow's heirs"),
    Renaming(re.compile(r"\bLayerNorm\.beta$"), "LayerNorm.bias", "TensorFlow's heirs"),
)

# A tensor that a file may leave out because it is another one.
TIES: Mapping[str, str] = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


def canonical(name: str) -> str:
    """Give the canonical name of a file's tensor; names nobody knows stay as they are."""
    for renaming in RENAMINGS:
        name = renaming.pattern.sub(renaming.becomes, name)
    return name


def ties(names: Iterable[str]) -> dict[str, str]:
    """Find the absent tensors that are tied to present ones, where the file has that head."""
    present = set(names)
    if not any(name.startswith("cls.predictions.") for name in present):
        return {}
    return {name: of for name, of in TIES.items() if name not in present and of in present}
