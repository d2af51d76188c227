"""config_sentence_transformers.json: prompts, and what is done with vectors and scores."""

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import require_positive
from bertie.errors import CheckpointError
from bertie.known import SENTENCE_SETTINGS, check, unlisted
from bertie.known.sentence import PROMPTS_CONFIG

# What the file calls a similarity → our word.
_SIMILARITIES: Mapping[str, str] = {
    "cosine": "cosine",
    "dot": "dot",
    "dot_product": "dot",
    "euclidean": "euclid",
    "manhattan": "manhattan",
}
# A count → the field that it becomes, and the task that it is for.
_COUNTS = (
    ("truncate_dim", "dimensions", "embed"),
    ("max_active_dims", "most_weights", "sparse"),
)


def read_settings(raw: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Read a model's settings.

    Args:
        raw: what the file holds; nothing where there is none.
        kind: the task, or "pylate".
    Returns: fields of SentenceLayout, notes among them.
    Raises: CheckpointError: a key that changes results and that isn't read, or a wrong value.
    """
    notes = check(SENTENCE_SETTINGS, raw, PROMPTS_CONFIG, where=kind) + unlisted(
        SENTENCE_SETTINGS, raw, PROMPTS_CONFIG
    )
    found: dict[str, Any] = {"notes": notes}
    found |= _prompts(raw)
    for key, field, task in _COUNTS:
        value, where = raw.get(key), f"{PROMPTS_CONFIG}: {key}"
        if value is not None and task == kind:
            found[field] = Setting(require_positive(value, where, "a number above 0"), where)
    if raw.get("activation_fn") is not None:
        found["activation"] = Setting(raw["activation_fn"], f"{PROMPTS_CONFIG}: activation_fn")
    similarity = raw.get("similarity_fn_name")
    if similarity is not None and kind == "embed":
        if not isinstance(similarity, str) or similarity not in _SIMILARITIES:
            raise CheckpointError(
                f"{PROMPTS_CONFIG}: similarity_fn_name is {shown(similarity)}, expected one of"
                f" {', '.join(_SIMILARITIES)}"
            )
        origin = f"{PROMPTS_CONFIG}: similarity_fn_name"
        found["similarity"] = Setting(_SIMILARITIES[similarity], origin)
    return found


def _prompts(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read the prompts and which of them is the default."""
    prompts, default = raw.get("prompts") or {}, raw.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(p, str) for p in prompts.values()):
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: prompts is {shown(prompts)}, expected texts by name"
        )
    if default is not None and default not in list(prompts):
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: default_prompt_name is {shown(default)},"
            f" but the prompts are {', '.join(prompts) or 'none'}"
        )
    found: dict[str, Any] = {}
    if "prompts" in raw:
        found["prompts"] = Setting(prompts, f"{PROMPTS_CONFIG}: prompts")
    if "default_prompt_name" in raw:
        origin = f"{PROMPTS_CONFIG}: default_prompt_name"
        found["default_prompt_name"] = Setting(default, origin)
    return found
