"""What a config says of rotary places, in any of its spellings, in one.

Sources: transformers' modeling_rope_utils, and the authors' own configs.
"""

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.architecture import RotaryKeys
from bertie.checkpoint.fields import Flag, Number
from bertie.errors import CheckpointError

_NUMBER = Number(float, most=10**9)
_FORMS: Mapping[str, Number | Flag] = {
    "original_max_position_embeddings": Number(),
    "truncate": Flag(),
}
_SPELLINGS = ("rope_parameters", "rope_scaling")
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
    for kind, values in stated.items():
        # The values of null are those that aren't there.
        own = {name: value for name, value in values.items() if value is not None}
        if own.pop("partial_rotary_factor", raw.get("partial_rotary_factor") or 1) != 1:
            raise CheckpointError(
                f"{where}: partial_rotary_factor isn't 1, which transformers' own classes of this"
                " architecture don't compute either"
            )
        base = _base(own, raw, keys, kind, f"{where}: {key}", where)
        rope_type = own.pop("rope_type", None) or own.get("type") or "default"
        own.pop("type", None)
        # transformers' dynamic type reads the longest sequence itself.
        if key in _SPELLINGS and rope_type == "dynamic":
            own["original_max_position_embeddings"] = positions
        own.setdefault("original_max_position_embeddings", positions)
        found[kind] = {
            "rope_type": rope_type,
            "rope_theta": base,
            "fraction": 1.0 if fraction is None else _NUMBER.check(keys.fraction, fraction, where),
            "interleaved": interleaved,
            **_needed(rope_type, own, key, where),
        }
    return found, key


def _needed(rope_type: Any, own: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """Read what a type needs, and refuse what it doesn't."""
    if not isinstance(rope_type, str) or rope_type not in NEEDED:
        raise CheckpointError(
            f"{where}: {key}: rope_type {shown(rope_type)} is not supported; supported:"
            f" {', '.join(NEEDED)}"
        )
    needed = NEEDED[rope_type]
    found = {}
    for name, default in needed.items():
        value = own.get(name, default)
        if value is None and name in _REQUIRED:
            raise CheckpointError(
                f"{where}: {key}: rope_type {rope_type} needs {name}, which is not there"
            )
        if value is not None:
            found[name] = _FORMS.get(name, _NUMBER).check(f"{key}.{name}", value, where)
    unread = sorted(own.keys() - needed.keys() - _TRAINED.keys())
    if unread:
        raise CheckpointError(
            f"{where}: {key} has {', '.join(unread)}, which nothing here reads beside rope_type"
            f" {rope_type}"
        )
    return found


def _base(
    own: dict[str, Any],
    raw: Mapping[str, Any],
    keys: RotaryKeys,
    kind: str,
    place: str,
    where: str,
) -> float:
    """Find the base of one kind of layer's angles, and take it out of what is said of them."""
    base_key, default = keys.bases[kind]
    # Where there are several bases, a key of one is none of theirs.
    names = dict.fromkeys((base_key, "rope_theta") if len(keys.bases) == 1 else (base_key,))
    # A local layer's base of null was the others' once, and is none any more.
    outside = {
        name: _NUMBER.check(name, raw[name], where)
        for name in names
        if raw.get(name) is not None or (name in raw and len(keys.bases) > 1)
    }
    if "rope_theta" not in own:
        return float(next(iter(outside.values()), default))
    inside = float(_NUMBER.check("rope_theta", own.pop("rope_theta"), place))
    if outside.get(keys.own_base, inside) != inside:
        raise CheckpointError(
            f"{place} has rope_theta {inside}, but {keys.own_base} is {outside[keys.own_base]}:"
            " transformers reads the one and its authors' code the other; state the same"
        )
    return inside


def _stated(
    raw: Mapping[str, Any], keys: RotaryKeys, where: str
) -> tuple[dict[str, dict[str, Any]], str]:
    """Find what is said of each kind of layer, and under which key."""
    whole, key = _whole(raw, where)
    factor, trained, trained_length = keys.dynamic or ("", "", 0)
    # Their authors' code takes a factor of 0 for none.
    if raw.get(factor) not in (None, 0):
        if (whole.get("rope_type") or whole.get("type") or "default") != "default":
            raise CheckpointError(
                f"{where}: {factor} stands beside a rope_type in {key}, expected one of them"
            )
        length = trained_length if raw.get(trained) is None else raw[trained]
        dynamic = {
            "rope_type": "dynamic",
            "factor": raw[factor],
            "original_max_position_embeddings": length,
        }
        return {kind: {**whole, **dynamic} for kind in keys.bases}, factor
    # What is said in the old key is said of all kinds.
    if len(keys.bases) == 1 or key == "rope_scaling" or not whole:
        return {kind: dict(whole) for kind in keys.bases}, key
    unread = sorted(whole.keys() - keys.bases.keys())
    if unread:
        raise CheckpointError(
            f"{where}: {key} has {', '.join(unread)}, expected an object for each of"
            f" {' and '.join(keys.bases)}"
        )
    found = {}
    for kind in keys.bases:
        own = {} if whole.get(kind) is None else whole[kind]
        if not isinstance(own, Mapping):
            raise CheckpointError(f"{where}: {key}.{kind} is {shown(own)}, expected an object")
        found[kind] = dict(own)
    return found, key


def _whole(raw: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], str]:
    """Find the object that says most of it; transformers 5 and 4 call it differently."""
    stated = {key: raw[key] for key in _SPELLINGS if raw.get(key) not in (None, {})}
    for key, whole in stated.items():
        if not isinstance(whole, Mapping):
            raise CheckpointError(f"{where}: {key} is {shown(whole)}, expected an object")
    if len(stated) > 1 and stated[_SPELLINGS[0]] != stated[_SPELLINGS[1]]:
        raise CheckpointError(
            f"{where}: {' and '.join(stated)} say different things, expected one of them"
        )
    key = next(iter(stated), _SPELLINGS[0])
    return stated.get(key, {}), key
