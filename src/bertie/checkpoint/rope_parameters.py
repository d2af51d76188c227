"""What a config says of rotary places, in any of its spellings, in one.

Sources: transformers' modeling_rope_utils, and the authors' own configs.
"""

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.architecture import RotaryKeys
from bertie.checkpoint.fields import Number
from bertie.errors import CheckpointError

_NUMBER = Number(float, most=10**9)
_TRAINED: Mapping[str, Any] = {"factor": None, "original_max_position_embeddings": None}
_REQUIRED = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
# What a type of rotary places needs, with its defaults.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "linear": {"factor": None},
    "dynamic": _TRAINED,
    "ntk": {"factor": None, "mixed_b": None},
    "yarn": {
        **_TRAINED,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": True,
        "attention_factor": None,
        "mscale": None,
        "mscale_all_dim": None,
    },
    "llama3": {**_TRAINED, "low_freq_factor": None, "high_freq_factor": None},
}


def read_parameters(
    raw: Mapping[str, Any], keys: RotaryKeys, positions: int, where: str
) -> tuple[dict[str, dict[str, Any]], str]:
    """Read what a config says of the angles, in any of its spellings, in one.

    Args:
        raw: the config.
        keys: its architecture's.
        positions: the most tokens of a sequence.
        where: the config's name, for messages.
    Returns: by kind of layer rope_type, rope_theta, fraction, interleaved and what the type needs;
        and the key that says most of it.
    Raises: CheckpointError: an unknown type, or a value that can't be.
    """
    stated, key = _stated(raw, keys, where)
    fraction = raw.get(keys.fraction)
    interleaved = raw.get(keys.interleaved_key, keys.interleaved)
    if not isinstance(interleaved, bool):
        raise CheckpointError(
            f"{where}: {keys.interleaved_key} is {shown(interleaved)}, expected true or false"
        )
    found = {}
    for kind, (base_key, default) in keys.bases.items():
        own = stated[kind]
        # The values of null are those that aren't there.
        own = {name: value for name, value in own.items() if value is not None}
        # Where there are several bases, a key of one is none of theirs.
        other = raw.get("rope_theta") if len(keys.bases) == 1 else None
        base = own.pop("rope_theta", None) or raw.get(base_key) or other or default
        rope_type = own.pop("rope_type", None) or own.pop("type", None) or "default"
        own.pop("type", None)
        place = f"{where}: {key}"
        if own.pop("partial_rotary_factor", raw.get("partial_rotary_factor") or 1) != 1:
            raise CheckpointError(
                f"{where}: partial_rotary_factor isn't 1, which transformers' own classes of this"
                " architecture don't compute either"
            )
        if rope_type not in NEEDED:
            raise CheckpointError(
                f"{place}: rope_type {shown(rope_type)} is not supported; supported:"
                f" {', '.join(NEEDED)}"
            )
        needed = NEEDED[rope_type]
        record = {
            "rope_type": rope_type,
            "rope_theta": _NUMBER.check(base_key, base, where),
            "fraction": 1.0 if fraction is None else _NUMBER.check(keys.fraction, fraction, where),
            "interleaved": interleaved,
        }
        # transformers' dynamic type reads the longest sequence itself.
        if key in ("rope_parameters", "rope_scaling") and rope_type == "dynamic":
            own["original_max_position_embeddings"] = positions
        own.setdefault("original_max_position_embeddings", positions)
        for name, default_value in needed.items():
            value = own.pop(name, default_value)
            if value is None and name in _REQUIRED:
                raise CheckpointError(
                    f"{place}: rope_type {rope_type} needs {name}, which is not there"
                )
            if value is not None:
                checked = Number() if name == "original_max_position_embeddings" else _NUMBER
                record[name] = (
                    value
                    if isinstance(value, bool) and name == "truncate"
                    else checked.check(f"{key}.{name}", value, where)
                )
        own.pop("original_max_position_embeddings", None)
        own.pop("factor", None)
        if own:
            raise CheckpointError(
                f"{place} has {', '.join(sorted(own))}, which nothing here reads beside rope_type"
                f" {rope_type}"
            )
        found[kind] = record
    return found, key


def _stated(
    raw: Mapping[str, Any], keys: RotaryKeys, where: str
) -> tuple[dict[str, dict[str, Any]], str]:
    """Find what is said of each kind of layer, and under which key."""
    if keys.dynamic is not None and raw.get(keys.dynamic[0]) is not None:
        factor, trained = keys.dynamic
        said = {
            "rope_type": "dynamic",
            "factor": raw[factor],
            "original_max_position_embeddings": raw.get(trained),
        }
        return {kind: dict(said) for kind in keys.bases}, factor
    key = next((k for k in ("rope_parameters", "rope_scaling") if raw.get(k)), "rope_parameters")
    whole = raw.get(key) or {}
    if not isinstance(whole, Mapping):
        raise CheckpointError(f"{where}: {key} is {shown(whole)}, expected an object")
    nested = any(isinstance(value, Mapping) for value in whole.values())
    found = {}
    for kind in keys.bases:
        own = (whole.get(kind) or {}) if nested else whole
        if not isinstance(own, Mapping):
            raise CheckpointError(f"{where}: {key}.{kind} is {shown(own)}, expected an object")
        found[kind] = dict(own)
    return found, key
