"""What is decided about a source first of all: its task and its precision."""

from dataclasses import dataclass
from reprlib import repr as shown

from bertie.checkpoint.bundle import Bundle
from bertie.checkpoint.config import Setting
from bertie.engine.encoder import auto_precision
from bertie.errors import InputError, TaskError
from bertie.loading.detect import detect
from bertie.opened import Opened
from bertie.tasks.table import TASKS, Task

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Settled:
    """A source, its task and its precision.

    Attributes:
        opened: its files.
        purpose: the task's name, and why it is that.
        precision: what to compute in, and why.
    """

    opened: Opened
    purpose: Setting
    precision: Setting

    @property
    def task(self) -> Task:
        """What the source is for."""
        return TASKS[self.purpose.value]


def settle(opened: Opened, *, task: str | None = None, precision: str = AUTO) -> Settled:
    """Decide what a source is for, and what to compute in.

    Args:
        opened: its files.
        task, precision: as for bertie.load.
    Raises: TaskError, InputError: they don't go with a bundle.
    """
    concrete = _precision(precision, opened.bundle)
    return Settled(opened, purpose_of(task, opened), concrete)


def purpose_of(task: str | None, opened: Opened) -> Setting:
    """Settle the task: the caller's, that of a bundle, else what the checkpoint was made for.

    Args:
        task: the caller's word, or None.
        opened: the source.
    Raises: TaskError: a bundle's, which this version doesn't know.
    """
    bundle = opened.bundle
    if task is not None:
        return Setting(task, "caller")
    if bundle is None:
        return detect(opened)
    if bundle.task not in TASKS:
        raise TaskError(
            f"{bundle.directory} was exported for {shown(bundle.task)} by Bertie {bundle.bertie},"
            f" but this version has only: {', '.join(TASKS)}"
        )
    return Setting(bundle.task, bundle.origin("task"))


def _precision(precision: str, bundle: Bundle | None) -> Setting:
    """Settle what to compute in, and say why."""
    given = precision != AUTO
    stored = bundle.precision if bundle is not None else "float32"
    if bundle is not None and given and stored not in ("float32", precision):
        raise InputError(
            f"precision is {precision}, but {bundle.directory} has its weights in {stored} only:"
            f" leave precision out, or export the model in {precision} or float32 (it was exported"
            f" from {bundle.provenance.get('source')})"
        )
    if given:
        return Setting(precision, "caller")
    if bundle is not None:
        return Setting(bundle.precision, bundle.origin("precision"))
    return auto_precision()
