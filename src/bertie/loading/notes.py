"""What is worth knowing about a model's files, and about the caller's word where it doesn't count.

Nothing that a result takes: it is looked for when somebody asks.
"""

from collections.abc import Mapping
from reprlib import repr as shown

from bertie.checkpoint.config import Setting
from bertie.checkpoint.disagreements import disagreements
from bertie.loading.detect import class_notes
from bertie.loading.settle import Settled
from bertie.loading.spec import ModelSpec
from bertie.opened import Opened


def notes(spec: ModelSpec) -> tuple[str, ...]:
    """Say what is worth knowing about a model."""
    opened, settled = spec.opened, spec.settled
    checkpoint = opened.checkpoint
    calibration = [spec.sample.note] if spec.sample and spec.sample.note else []
    return (
        *overruled(opened, spec.prepared.settings),
        *files_disagree(opened, spec.prepared.settings),
        *checkpoint.notes(),
        *checkpoint.unread([*opened.tensors, *opened.scales]),
        *opened.layout.notes,
        *_unasked(settled, spec.prepared.settings),
        *opened.tokenizer.notes,
        *spec.prepared.notes,
        *calibration,
    )


def overruled(opened: Opened, settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """Say where the caller's own word doesn't count.

    Args:
        opened: the source, with what was given.
        settings: the task's.
    """
    given, settled = opened.given.max_length, settings["max_length"]
    if given is None:
        return ()
    origin = opened.given.origin("max_length")
    found = []
    if given > settled.value:
        found.append(
            f"max_length is {given} tokens ({origin}), but the model has {settled.value} positions"
            f" ({settled.origin}); {settled.value} are read"
        )
    for kind in ("query", "document"):
        own = settings.get(f"{kind}_length")
        if own is not None and own.origin != settled.origin and own.value < given:
            found.append(
                f"max_length is {given} tokens ({origin}), but of a {kind} {own.value} are read"
                f" ({own.origin})"
            )
    return tuple(found)


def files_disagree(opened: Opened, settings: Mapping[str, Setting]) -> list[str]:
    """Say on what the files disagree, and what came of it.

    Args:
        opened: the source.
        settings: the task's.
    """
    lower = opened.tokenizer.settings["lower"].value or settings["lower_first"].value
    return disagreements(opened.checkpoint.directory, settings["max_length"].value, lower)


def _unasked(settled: Settled, settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """Say what the files say that nobody asked for: another class, a prompt."""
    layout = settled.opened.layout
    default = layout.default_prompt_name
    found = class_notes(settled.opened) if settled.purpose.origin.startswith("default") else ()
    asked = settings.keys() & {"prompt", "prompts"}
    if layout.prompts.value.get(default.value) and not asked:
        found += (
            f"{default.origin} is {shown(default.value)}, but the task {settled.task.name!r} puts"
            " no prompt before texts",
        )
    return found
