"""A checkpoint's heads: what stands on its last hidden states, as records.

The table of architectures says which forms a head can have; this module finds those that the
tensors are, checks them, and reads their labels.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import ACTIVATIONS
from bertie.checkpoint.dense import Dense
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.head_forms import HIDDEN_ACT, HeadForm, Stated, Step
from bertie.checkpoint.labels import read_labels
from bertie.checkpoint.settings import class_names
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.errors import CheckpointError

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

# Kinds of head whose outputs have names.
LABELLED = ("sequence_classification", "token_classification")
# What a head reads of a sequence → the pooling that gives it, under sentence-transformers' name.
_POOLINGS: Mapping[str, str] = {"first": "cls", "mean": "mean"}
# A class whose classifier compares several texts' pooled states, whatever its tensors look like.
_CHOOSING = "ForMultipleChoice"


@dataclass(frozen=True, eq=False)
class HeadLayer:
    """One step over (rows, in) float32.

    Attributes:
        weight: (out, in) for a dense layer; (size,) for a norm.
        bias: (out,) or (size,).
        activation: identity, gelu, gelu_tanh, relu, silu or tanh.
        norm_eps: None for a dense layer; a layer norm's epsilon.
        name: its module; the tensors are name.weight and name.bias.
    """

    weight: Tensor
    bias: Tensor | None
    activation: str
    norm_eps: float | None
    name: str


@dataclass(frozen=True, eq=False)
class HeadRecord:
    """One head.

    Attributes:
        kind: sequence_classification, token_classification, question_answering, masked_lm,
            next_sentence, pooler or multi_vector.
        reads: "first", each sequence's first hidden state; "mean", the mean of its hidden states;
            "late", every token's, of whose logits the mean is the sequence's; or "tokens", every
            token's, each with logits of its own.
        layers: in order; the last gives the logits.
        labels: for kinds of LABELLED the outputs' names in order, otherwise none.
        labels_origin: where they are from; "default" where they are LABEL_0, LABEL_1, …
        problem_type: one of PROBLEM_TYPES, as the config states it; None if it doesn't.
        notes: what is worth knowing about the files.
    """

    kind: str
    reads: str
    layers: tuple[HeadLayer, ...]
    labels: tuple[str, ...] = ()
    labels_origin: str = ""
    problem_type: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """How many logits a row has."""
        return self.layers[-1].weight.shape[0]

    @property
    def pooling(self) -> str | None:
        """What makes one row of a sequence's hidden states: cls or mean; None: nothing does."""
        return _POOLINGS.get(self.reads)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All that it uses, by canonical name."""
        found = {}
        for layer in self.layers:
            found[f"{layer.name}.weight"] = layer.weight
            if layer.bias is not None:
                found[f"{layer.name}.bias"] = layer.bias
        return found


def heads(checkpoint: Checkpoint) -> dict[str, HeadRecord]:
    """Read the heads that a checkpoint has and that can be used.

    Args:
        checkpoint: whose tensors to take.
    Returns: each head by its kind. One that is broken isn't among them: head_errors says why, for
        it matters only to who asks for it.
    """
    return {
        form.kind: _record(checkpoint, form)
        for form in _forms(checkpoint)
        if not _errors(checkpoint, form)
    }


def projection_head(checkpoint: Checkpoint, modules: Sequence[Dense] = ()) -> HeadRecord | None:
    """Read the projection of every token that ColBERT has, if there is one.

    Args:
        checkpoint: whose tensors to take.
        modules: the dense layers that stand for it, where sentence-transformers' files have some.
    Returns: a record of kind multi_vector, or None.
    Raises: CheckpointError: a module that doesn't fit what comes in.
    """
    if modules:
        return HeadRecord("multi_vector", "tokens", tuple(_projections(checkpoint, modules)))
    name = "linear"
    tensor = checkpoint.tensors.get(f"{name}.weight")
    width = checkpoint.config.hidden_size
    if tensor is None or tensor.dtype not in FLOAT_DTYPES:
        return None
    if len(tensor.shape) != 2 or tensor.shape[1] != width or not tensor.shape[0]:
        return None
    layer = HeadLayer(name=name, weight=tensor, bias=None, activation="identity", norm_eps=None)
    return HeadRecord("multi_vector", "tokens", (layer,))


def _projections(checkpoint: Checkpoint, modules: Sequence[Dense]) -> Iterator[HeadLayer]:
    """Take dense layers for a head's, each as wide as the one before."""
    width = checkpoint.config.hidden_size
    for number, module in enumerate(modules):
        if module.inputs != width:
            raise CheckpointError(
                f"{module.where}: in_features is {module.inputs}, but the tokens' states that come"
                f" in have {width} floats"
            )
        width = module.outputs
        yield HeadLayer(
            name=f"projection.{number}",
            weight=module.weight,
            bias=module.bias,
            activation=module.activation,
            norm_eps=None,
        )


def head_errors(checkpoint: Checkpoint) -> dict[str, tuple[str, ...]]:
    """Say what is wrong with the heads that a checkpoint has but that can't be used.

    Returns: by kind, a sentence for each tensor that is missing, ambiguous, misshapen or of a type
        that is not a float.
    """
    found = {form.kind: tuple(_errors(checkpoint, form)) for form in _forms(checkpoint)}
    return {kind: errors for kind, errors in found.items() if errors}


def require_head(checkpoint: Checkpoint, kind: str) -> HeadRecord | None:
    """Read one head, if the checkpoint has it.

    Args:
        checkpoint: whose tensors to take.
        kind: as HeadRecord's.
    Returns: None if there is no such head.
    Raises: CheckpointError: it is there, but broken.
    """
    refuse_broken(checkpoint, kind, head_errors(checkpoint))
    return heads(checkpoint).get(kind)


def refuse_broken(checkpoint: Checkpoint, kind: str, errors: Mapping[str, Sequence[str]]) -> None:
    """Refuse a head that can't be used.

    Args:
        checkpoint: whose head it is.
        kind: as HeadRecord's.
        errors: as head_errors gives them.
    Raises: CheckpointError: there are errors of this kind.
    """
    if kind in errors:
        raise CheckpointError(
            f"{checkpoint.directory}: its head for {kind} can't be used:"
            + "\n  ".join(["", *errors[kind]])
        )


def _forms(checkpoint: Checkpoint) -> list[HeadForm]:
    """List the heads that the tensors are, each tensor read in one way, and one of each kind."""
    classes = class_names(checkpoint.raw_config)
    present = [form for form in checkpoint.config.architecture.heads if _has(checkpoint, form)]
    if any(name.endswith(_CHOOSING) for name in classes):
        present = [form for form in present if form.kind not in LABELLED]
    chosen: dict[str, HeadForm] = {}
    for form in present:
        # Two forms may end with the same module, such as a classifier of sequences or of tokens.
        last = form.steps[-1].name
        rival = chosen.get(last)
        if rival is None or _rank(checkpoint, form, classes) > _rank(checkpoint, rival, classes):
            chosen[last] = form
    kinds: dict[str, HeadForm] = {}
    for form in (form for form in present if chosen[form.steps[-1].name] is form):
        meant = form.instead is not None and bool(_value(checkpoint, form.instead))
        if form.kind not in kinds or meant:
            kinds[form.kind] = form
    return list(kinds.values())


def _value(checkpoint: Checkpoint, said: Any) -> Any:
    """Give what the config says where a form leaves that to it; what it can't say is the default's.

    _unknown names such values, and _errors makes them one.
    """
    if not isinstance(said, Stated):
        return said
    _, stated = _stated(checkpoint, said)
    known = isinstance(stated, (str, bool)) and stated in said.values
    return said.values[stated] if known else said.default


def _stated(checkpoint: Checkpoint, said: Stated) -> tuple[str, Any]:
    """Find the key that says something, and its value; null is as good as nothing."""
    raw = checkpoint.raw_config
    key = next((key for key in said.keys if raw.get(key) is not None), said.keys[0])
    return key, raw.get(key)


def _unknown(checkpoint: Checkpoint, said: Any) -> list[str]:
    """Name a value of the config that a form can't be read by."""
    if not isinstance(said, Stated):
        return []
    key, stated = _stated(checkpoint, said)
    if stated is None or (isinstance(stated, (str, bool)) and stated in said.values):
        return []
    expected = ", ".join(json.dumps(value) for value in said.values)
    return [f"{checkpoint.where}: {key} is {shown(stated)}, expected one of {expected}"]


def _names(step: Step) -> tuple[str, str]:
    """Name a step's weight and bias."""
    return f"{step.name}.weight", f"{step.name}.bias"


def _used(checkpoint: Checkpoint, step: Step) -> tuple[str, ...]:
    """Name the tensors that a step is of: not every one has a bias."""
    weight, bias = _names(step)
    has = _value(checkpoint, step.bias)
    return (weight, bias) if has or (has is None and bias in checkpoint.tensors) else (weight,)


def _has(checkpoint: Checkpoint, form: HeadForm) -> bool:
    """Tell whether a tensor is there that only this head, or a rival reading of it, can have."""
    return any(name in checkpoint.tensors for name in _names(form.steps[-1]))


def _rank(checkpoint: Checkpoint, form: HeadForm, classes: list[str]) -> tuple[bool, bool, int]:
    """Order readings of the same tensors: what the config says, then the whole and longer one."""
    stated = any(name.endswith(form.class_ending) for name in classes)
    whole = all(
        name in checkpoint.tensors for step in form.steps for name in _used(checkpoint, step)
    )
    return stated, whole, len(form.steps)


def _record(checkpoint: Checkpoint, form: HeadForm) -> HeadRecord:
    """Join the tensors of a head without errors, and what the config says of it."""
    layers = tuple(_layer(checkpoint, step) for step in form.steps)
    reads = _value(checkpoint, form.reads)
    if form.kind not in LABELLED:
        return HeadRecord(form.kind, reads, layers)
    labels = read_labels(checkpoint.raw_config, layers[-1].weight, checkpoint.where)
    problem, notes = _problem_type(checkpoint.raw_config, checkpoint.where)
    return HeadRecord(
        form.kind,
        reads,
        layers,
        labels.names,
        labels.origin,
        problem,
        (*labels.notes, *notes),
    )


def _layer(checkpoint: Checkpoint, step: Step) -> HeadLayer:
    """Join the tensors of one step."""
    config = checkpoint.config
    activation = _value(checkpoint, step.activation)
    stated = config.hidden_act if activation == HIDDEN_ACT else activation
    weight, *bias = (checkpoint.tensors[name] for name in _used(checkpoint, step))
    return HeadLayer(
        weight,
        bias[0] if bias else None,
        ACTIVATIONS.get(stated, stated),
        config.layer_norm_eps if step.norm else None,
        step.name,
    )


def _problem_type(raw: Mapping[str, Any], where: str) -> tuple[str | None, tuple[str, ...]]:
    """Read what the classes are to each other, and note a word that nobody knows."""
    stated = raw.get("problem_type")
    if stated is None or stated in PROBLEM_TYPES:
        return stated, ()
    expected = ", ".join(PROBLEM_TYPES)
    return None, (f"{where}: problem_type is {shown(stated)}, expected one of {expected}",)


def _errors(checkpoint: Checkpoint, form: HeadForm) -> list[str]:
    """Say what is wrong with a head's tensors, step by step, and with what the config says."""
    errors = _unknown(checkpoint, form.reads)
    width: int | None = checkpoint.config.hidden_size
    for step in form.steps:
        errors += [*_unknown(checkpoint, step.activation), *_unknown(checkpoint, step.bias)]
        weight, bias = _names(step)
        tensor = checkpoint.tensors.get(weight)
        # A norm keeps the width; a dense layer gives any, which its weight decides, but the last
        # of a form that asks for a number.
        asked = width if step.norm else None
        if step is form.steps[-1] and form.outputs is not None:
            asked = _outputs(checkpoint, form.outputs)
        given = tensor.shape[0] if tensor is not None and tensor.shape else None
        outputs = given if asked is None else asked
        shapes = {weight: (asked,) if step.norm else (asked, width), bias: (outputs,)}
        found = (_error(checkpoint, name, shapes[name]) for name in _used(checkpoint, step))
        errors += [error for error in found if error is not None]
        width = outputs
    return errors


def _outputs(checkpoint: Checkpoint, stated: int | str) -> int:
    """Give the number of outputs that a form asks for."""
    return stated if isinstance(stated, int) else int(getattr(checkpoint.config, stated))


def _error(checkpoint: Checkpoint, name: str, shape: tuple[int | None, ...]) -> str | None:
    """Say what is wrong with one tensor, if anything is; None in a shape is any size."""
    expected = str(shape).replace("None", "any")
    tensor = checkpoint.tensors.get(name)
    if tensor is None:
        return f"{checkpoint.files[0].name}: tensor {name} missing, expected {expected}"
    if name in checkpoint.ambiguous:
        names = " and ".join(checkpoint.ambiguous[name])
        return f"{tensor.file}: tensors {names} are both {name}, expected one of them"
    fits = len(tensor.shape) == len(shape) and all(
        size == wanted or (wanted is None and size)
        for size, wanted in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        return f"{tensor.file}: tensor {tensor.name} is {tensor.shape}, expected {expected}"
    if tensor.dtype not in FLOAT_DTYPES:
        return (
            f"{tensor.file}: tensor {tensor.name} is {tensor.dtype},"
            f" expected one of {', '.join(FLOAT_DTYPES)}"
        )
    return None
