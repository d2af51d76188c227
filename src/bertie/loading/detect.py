"""What a checkpoint was made for."""

from collections.abc import Mapping
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.known.sentence import MODULES
from bertie.opened import Opened
from bertie.tasks.table import TASKS, Task

# Heads that tell the task where no class is named, as in TensorFlow's checkpoints.
_HEADS: Mapping[str, str] = {
    "token_classification": "tag",
    "question_answering": "answer",
    "sequence_classification": "classify",
}

# What sentence-transformers leaves in the config of a cross-encoder.
_CROSS_ENCODER = ("sentence_transformers", "sbert_ce_default_activation_function")


def detect(opened: Opened) -> Setting:
    """Find the task that a source was made for.

    Returns: a name of TASKS, and what says so.
    """
    if opened.layout.has_modules:
        return Setting(opened.layout.task, MODULES)
    stated = opened.checkpoint.raw_config.get("architectures")
    own = opened.checkpoint.config.architecture.own_classes
    for name in stated if isinstance(stated, list) else []:
        for task in TASKS.values():
            if _saved_as(task, name, own) and _possible(opened, task):
                origin = f"config.json: architectures ({name})"
                return _ranking(opened, Setting(task.name, origin))
    if not stated:
        for kind, told in _HEADS.items():
            if kind in opened.heads:
                head = kind.replace("_", " ")
                return _ranking(opened, Setting(told, f"the head for {head}"))
    return Setting("embed", "default: no head of another task")


def class_notes(opened: Opened) -> tuple[str, ...]:
    """Say which class a checkpoint was saved as, where no task is that class's."""
    stated = opened.checkpoint.raw_config.get("architectures")
    names = [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []
    own = opened.checkpoint.config.architecture.own_classes
    return tuple(
        f"{opened.checkpoint.where}: architectures names {name}, and no task here computes its head"
        " of these tensors; the encoder's states are pooled"
        for name in names
        if own.get(name) != "" and (name.endswith("LMHeadModel") or not name.endswith("Model"))
    )


def _saved_as(task: Task, name: Any, own: Mapping[str, str]) -> bool:
    """Tell whether the class of that name is what a checkpoint for a task is saved as."""
    if not isinstance(name, str) or not task.class_ending:
        return False
    return own[name] == task.head if name in own else name.endswith(task.class_ending)


def _possible(opened: Opened, task: Task) -> bool:
    """Tell whether there is a head for a task; a broken one, too, for that is an error to see."""
    return task.head in {*opened.heads, *opened.head_errors}


def _ranking(opened: Opened, found: Setting) -> Setting:
    """Tell a cross-encoder from other classifiers."""
    if found.value != "classify":
        return found
    for key in _CROSS_ENCODER:
        if key in opened.checkpoint.raw_config:
            return Setting("rank", f"config.json: {key}")
    record = opened.heads.get("sequence_classification")
    if record is not None and record.outputs == 1 and record.problem_type is None:
        return Setting("rank", f"{found.origin}, one output and no problem_type")
    return found
