"""Settings, and how each is read from a config, whatever its architecture calls it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.architecture import Architecture
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.fields import ACTIVATIONS, FIELDS, Number
from bertie.checkpoint.modern_architectures import FULL, SLIDING
from bertie.errors import CheckpointError

_SELF = {name: name for name in ACTIVATIONS}

# Fields that every architecture's config states, or its row has in their stead.
STATED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
    "hidden_act",
    "layer_norm_eps",
    "embedding_size",
    "position_padding",
    "relative_attention_num_buckets",
    "num_hidden_groups",
    "inner_group_num",
)

# Nomic's authors' files say the length that theirs reaches and the one that transformers' does.
_LENGTH = "max_position_embeddings"

# An architecture class as config.json names it; the other frameworks' have a word before it.
_CLASS = re.compile(r"(?:TF|Flax)?([A-Za-z]+?)(?:Model|LMHeadModel|For\w+)")


@dataclass(frozen=True)
class Setting:
    """A value and where it came from.

    Attributes:
        value: the value in use.
        origin: a file and its key ("config.json: hidden_act"), "caller" or "default".
    """

    value: Any
    origin: str


def find_architecture(raw: Mapping[str, Any], where: str) -> tuple[Architecture, str]:
    """Find the architecture and where it is stated; refuse those that aren't supported."""
    supported = ", ".join(ARCHITECTURES)
    stated = raw.get("model_type")
    if stated is not None:
        for architecture in ARCHITECTURES.values():
            if architecture.stated_as is None or architecture.stated_as[0] != stated:
                continue
            if all(raw.get(key) == value for key, value in architecture.stated_as[1].items()):
                return architecture, f"{where}: {', '.join(architecture.stated_as[1])}"
        if not isinstance(stated, str) or stated not in ARCHITECTURES:
            raise CheckpointError(
                f"{where}: model_type {shown(stated)} is not supported; supported: {supported}"
            )
        return ARCHITECTURES[stated], f"{where}: model_type"
    classes = raw.get("architectures") or []
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise CheckpointError(
            f"{where}: architectures is {shown(classes)}, expected a list of names"
        )
    if classes:
        match = _CLASS.fullmatch(classes[0])
        for architecture in ARCHITECTURES.values():
            known = match is not None and match[1] == architecture.classes
            if known or classes[0] in architecture.own_classes:
                return architecture, f"{where}: architectures"
        raise CheckpointError(
            f"{where}: architecture {shown(classes[0])} is not supported; supported: {supported}"
        )
    # BERT's keys are the commonest, so it is tried last.
    for architecture in reversed(list(ARCHITECTURES.values())):
        if architecture.told_by and all(key in raw for key in architecture.told_by):
            name = architecture.model_type
            return architecture, f"{where}: its keys are those of {name}"
    absent = [key for key in ARCHITECTURES["bert"].told_by if key not in raw]
    raise CheckpointError(
        f"{where} has no model_type and isn't BERT's, for it lacks {', '.join(absent)};"
        f" supported: {supported}"
    )


def class_names(raw: Mapping[str, Any]) -> list[str]:
    """List the names of the classes that a config says its model is of."""
    stated = raw.get("architectures")
    return [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []


def _keys(name: str, architecture: Architecture) -> tuple[str, ...]:
    """List what a config of this architecture may call a field."""
    return architecture.keys.get(name, (name,))


def require_sizes(raw: Mapping[str, Any], architecture: Architecture, where: str) -> None:
    """Refuse a config that leaves out what nothing else tells."""
    known = {*architecture.defaults, *architecture.fixed, *architecture.same}
    keys = [_keys(name, architecture) for name in STATED if name not in known]
    missing = [names[0] for names in keys if not any(name in raw for name in names)]
    for key, needed in architecture.needs.items():
        missing += [name for name in needed if key in raw and name not in raw]
    if missing:
        raise CheckpointError(
            f"{where} lacks {', '.join(missing)};"
            f" a config of {architecture.model_type} states the size of the model"
        )


def read_field(
    name: str, raw: Mapping[str, Any], architecture: Architecture, where: str
) -> Setting:
    """Read one field, or take what the architecture has in its stead."""
    if name in architecture.fixed:
        return Setting(architecture.fixed[name], "default")
    if name not in architecture.same:
        may_be_null = name in architecture.defaults and name not in STATED
        found = {
            key: _check(key, name, raw[key], architecture, where)
            for key in _keys(name, architecture)
            if key in raw and not (raw[key] is None and may_be_null)
        }
        if name != _LENGTH and len(set(found.values())) > 1:
            said = ", but ".join(f"{key} is {shown(raw[key])}" for key in found)
            raise CheckpointError(
                f"{where}: {said}: transformers reads the one and its authors' code the other;"
                " state the same"
            )
        if found:
            key, value = next(iter(found.items()))
            return Setting(value, f"{where}: {key}")
    return Setting(architecture.defaults.get(name), "default")


def _check(key: str, name: str, value: Any, architecture: Architecture, where: str) -> Any:
    """Check one value's type and range."""
    known = FIELDS[name]
    if name == "hidden_act":
        # A key of the authors' own has words of its own.
        words = architecture.words if architecture.words and key != name else _SELF
        if not isinstance(value, str) or value not in words:
            raise CheckpointError(
                f"{where}: {key} {shown(value)} is not supported; supported: {', '.join(words)}"
            )
        return words[value]
    if name in architecture.may_be_zero and isinstance(known, Number):
        known = replace(known, least=0)
    return known.check(key, value, where)


def two_thirds(stated: Setting, architecture: Architecture) -> Setting:
    """Narrow a feed-forward width, for a gate takes part of its weights (xformers' SwiGLU)."""
    multiple = architecture.two_thirds_of
    width = -(-int(2 * stated.value / 3) // multiple) * multiple
    return replace(stated, value=width)


def read_layer_types(raw: Mapping[str, Any], passes: int, where: str) -> Setting:
    """Read the kind of each layer, or of every n-th."""
    listed = raw.get("layer_types")
    if listed is not None:
        if not isinstance(listed, list) or any(kind not in (FULL, SLIDING) for kind in listed):
            raise CheckpointError(
                f"{where}: layer_types is {shown(listed)}, expected a list of {FULL} and {SLIDING}"
            )
        if len(listed) != passes:
            raise CheckpointError(
                f"{where}: layer_types has {len(listed)} kinds, expected one for each of the"
                f" {passes} layers from num_hidden_layers"
            )
        return Setting(tuple(listed), f"{where}: layer_types")
    key = "global_attn_every_n_layers"
    every = Number().check(key, raw.get(key, 3), where)
    kinds = tuple(SLIDING if layer % every else FULL for layer in range(passes))
    return Setting(kinds, f"{where}: {key}" if key in raw else "default")


def find_layer_weights(settings: Mapping[str, Setting], where: str) -> Setting:
    """List whose weights each pass uses: groups of passes share those of their group."""
    layers, groups, inner = (
        settings[name].value
        for name in ("num_hidden_layers", "num_hidden_groups", "inner_group_num")
    )
    if layers % groups:
        raise CheckpointError(
            f"{where}: num_hidden_layers {layers} is not a multiple of num_hidden_groups {groups}"
        )
    share = layers // groups
    weights = (layer // share * inner + own for layer in range(layers) for own in range(inner))
    return Setting(tuple(weights), settings["num_hidden_groups"].origin)
