"""A checkpoint's head, found for a task and settled."""

from collections.abc import Callable, Mapping

from bertie.checkpoint.config import Setting
from bertie.checkpoint.heads import HeadLayer, HeadRecord, refuse_broken
from bertie.errors import InputError, TaskError
from bertie.opened import Opened
from bertie.tasks.common_settings import opened_settings
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.table import TASKS

# What is done before and after the layers of heads that read more than a sequence's first token.
_READS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mean": (("mean of all tokens",), ()),
    "late": ((), ("mean of all tokens",)),
}


def available(opened: Opened) -> tuple[str, ...]:
    """List the tasks that a source can be loaded for."""
    return tuple(
        task.name for task in TASKS.values() if task.head is None or task.head in opened.heads
    )


def required_head(opened: Opened, task: str) -> HeadRecord:
    """Find the head that a task needs.

    Raises: TaskError: the checkpoint has none; it names what it has.
    Raises: CheckpointError: it has a broken one.
    """
    kind = TASKS[task].head
    assert kind is not None
    refuse_broken(opened.checkpoint, kind, opened.head_errors)
    record = opened.heads.get(kind)
    if record is None:
        has = ", ".join(name.replace("_", " ") for name in opened.heads) or "none"
        raise TaskError(
            f"{opened.directory}: task {task!r} needs a head for {kind.replace('_', ' ')}, but the"
            f" checkpoint's heads are: {has}; it can be loaded for: {', '.join(available(opened))}"
        )
    return record


def head_settings(opened: Opened, record: HeadRecord) -> dict[str, Setting]:
    """Settle what every task with labels settles: the common settings and the labels."""
    return {**opened_settings(opened), "labels": _labels(opened, record)}


def prepared(
    record: HeadRecord, settings: Mapping[str, Setting], start: Callable[[Parts], Model]
) -> Prepared:
    """Put together what loading needs to know of a task with a head.

    Args:
        record: the head.
        settings: all of the task's.
        start: makes the model of its parts.
    """
    return Prepared(
        settings=settings,
        start=start,
        tensors=record.tensors,
        modules=_words(record),
        recipe={
            "head": {
                "kind": record.kind,
                "layers": [
                    {"activation": layer.activation, "norm_eps": layer.norm_eps}
                    for layer in record.layers
                ],
                # What most heads of a kind read isn't said, for it wasn't when there was no other.
                **({"reads": record.reads} if record.reads in _READS else {}),
            }
        },
        notes=record.notes,
    )


def _labels(opened: Opened, record: HeadRecord) -> Setting:
    """Settle the labels, in the order of the head's outputs."""
    given = opened.given.labels
    if given is None:
        return Setting(record.labels, record.labels_origin)
    labels = tuple(given)
    if isinstance(given, str) or not all(isinstance(label, str) for label in labels):
        raise InputError(f"labels is {given!r}, expected a list of names")
    if len(labels) != len(record.labels) or len(set(labels)) != len(labels):
        raise InputError(
            f"labels names {len(labels)} ({', '.join(labels)}), expected {len(record.labels)}"
            " different ones, as many as the head has outputs"
        )
    return Setting(labels, opened.given.origin("labels"))


def _words(record: HeadRecord) -> tuple[str, ...]:
    """Say what a head does, step by step."""
    steps = list(map(_layer_words, record.layers))
    before, after = _READS.get(record.reads, ((), ()))
    return (*before, *steps, *after)


def _layer_words(layer: HeadLayer) -> str:
    """Say what one layer of a head does."""
    if layer.norm_eps is not None:
        return "layer norm"
    outputs, inputs = layer.weight.shape
    active = "" if layer.activation == "identity" else f", {layer.activation}"
    return f"dense {inputs} → {outputs}{active}"
