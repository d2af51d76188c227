"""The record of an architecture: what it does differently from BERT, as data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bertie.checkpoint.head_forms import HeadForm, Tie

# Canonical modules of a layer that files often have as one.
QUERY, KEY, VALUE = HEADS = tuple(f"attention.self.{name}" for name in ("query", "key", "value"))


# How the names of most encoders' layers begin.
NUMBERED = re.compile(r"encoder\.layer\.(?P<layer>0|[1-9]\d{0,8})\.")


@dataclass(frozen=True)
class Split:
    """A tensor of the files that stands for several, its rows shared out evenly.

    Attributes:
        module: what the file calls it, within a layer.
        parts: canonical modules, first rows first.
        by_heads: whether each head's rows hold a share of every part, instead of each part's rows
            standing together.
    """

    module: str
    parts: tuple[str, ...]
    by_heads: bool = False


@dataclass(frozen=True)
class RotaryKeys:
    """How a config says by what angles queries and keys are turned.

    Attributes:
        bases: by kind of layer, what the key of its base is called, and transformers' default.
        fraction: the key of the share of each head that is turned, or "": all of it.
        interleaved: whether neighbours are turned together, instead of one of each half.
        interleaved_key: the key that says so instead, or "".
        own_base: the key of the authors' code for the base that transformers has in rope_theta.
        dynamic: keys of a factor and a trained length, from which on the base grows, and that
            length where it isn't stated; or none.
    """

    bases: Mapping[str, tuple[str, float]]
    fraction: str = ""
    interleaved: bool = False
    interleaved_key: str = ""
    own_base: str = ""
    dynamic: tuple[str, str, int] | None = None


@dataclass(frozen=True)
class Architecture:
    """What one architecture does differently.

    Attributes:
        model_type: config.json's name for it.
        classes: how the names of transformers' classes begin.
        prefix: what stands before an encoder's names in files with a head.
        keys: what config.json calls a field, the first that it has, where that isn't its name.
        defaults: what transformers takes for fields that a config leaves out.
        fixed: fields that a config doesn't state, or that aren't read from it.
        same: fields that are always equal to another.
        told_by: keys that tell it from the others in a config without model_type; none: nothing
            does.
        layer: the start of a tensor's name within a layer: the layer's number, or, where passes
            share weights, its group's and its own within the group.
        modules: file's name → canonical name: of modules within a layer, of modules elsewhere, and
            of whole tensors.
        ties: tensors that its files may leave out.
        heads: those that it can have.
        always_projects: whether a dense layer follows the embeddings even where their width is the
            hidden states' already.
        prefixes: others that may stand in prefix's place, in files of its authors.
        splits: tensors of its files that stand for several.
        words: its own words for activations → those of ACTIVATIONS.
        may_be_zero: sizes that may be 0: it then has no such table.
        rotary: how its config says the angles of its queries and keys; None: they aren't turned.
        layer_types: whether its layers differ in what they attend to.
        present: fields that the tensors decide: a canonical name, and the field's value where a
            tensor of that name is there.
        stated_as: the model_type that its configs state, where that is another architecture's, and
            the keys with their values that tell it from that one.
        needs: keys that a config must state where it states another, by that one: their defaults
            are other ones in the authors' code than in transformers.
        two_thirds_of: what the width between the feed-forward layers is a multiple of, where it is
            two thirds of the one that the config states; 0: it is as stated.
        own_classes: its authors' classes whose names don't end as transformers' do → the kind of
            head that they have; "": none.
    """

    model_type: str
    classes: str
    prefix: str
    keys: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any]
    fixed: Mapping[str, Any]
    same: Mapping[str, str]
    told_by: tuple[str, ...]
    layer: re.Pattern[str]
    modules: Mapping[str, str]
    ties: tuple[Tie, ...]
    heads: tuple[HeadForm, ...]
    always_projects: bool = False
    prefixes: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    may_be_zero: tuple[str, ...] = ()
    rotary: RotaryKeys | None = None
    layer_types: bool = False
    present: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    stated_as: tuple[str, Mapping[str, Any]] | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    two_thirds_of: int = 0
    own_classes: Mapping[str, str] = field(default_factory=dict)

    @property
    def stated_type(self) -> str:
        """The model_type that its configs state."""
        return self.stated_as[0] if self.stated_as else self.model_type

    def reads(self, name: str) -> bool:
        """Tell whether this architecture knows a field; one that it doesn't has BERT's value."""
        told = (self.keys, self.defaults, self.fixed, self.same, self.present)
        return any(name in fields for fields in told)
