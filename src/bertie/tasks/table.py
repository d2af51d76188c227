"""The tasks that a checkpoint can be loaded for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: its word everywhere, and its module's name.
        method: the call that its class is for.
        head: the kind of head that it needs of a checkpoint, or None.
    """

    name: str
    method: str
    head: str | None = None


TASKS: Mapping[str, Task] = {task.name: task for task in (Task("embed", "embed"),)}

METHODS: dict[str, str] = {task.method: task.name for task in TASKS.values()}
