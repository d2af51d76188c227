"""A model's specification: all that is decided before anything is packed or computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bertie.checkpoint.config import Setting
from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.tensor import Tensor
from bertie.loading.settle import AUTO, Settled, check_options, settle
from bertie.opened import Given, Opened, open_directory
from bertie.sources import resolve
from bertie.tasks.model import Prepared


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A source that is settled, with its task's share.

    Attributes:
        settled: its files, its task and its precision.
        prepared: what the task settled.
    """

    settled: Settled
    prepared: Prepared

    @property
    def opened(self) -> Opened:
        """The source's files."""
        return self.settled.opened

    @property
    def used(self) -> dict[str, Tensor]:
        """The tensors that results depend on, by canonical name."""
        return {**self.opened.tensors, **self.prepared.tensors}

    @property
    def settings(self) -> dict[str, Setting]:
        """Every setting: the tokenizer's, the task's over them, the encoder's, how to compute."""
        config = self.opened.config
        settings = {
            **self.opened.tokenizer.settings,
            **self.prepared.settings,
            **{name: config.setting(name) for name in config.origins},
            "task": self.settled.purpose,
            "precision": self.settled.precision,
        }
        if self.settled.calibration is not None:
            settings["calibration"] = self.settled.calibration
        return settings


def specify(
    source: str | Path,
    given: Given,
    *,
    task: str | None = None,
    precision: str = AUTO,
    calibration: str | Path | Sequence[str] | None = None,
) -> ModelSpec:
    """Find a source, read its files, settle what it is for, and prepare that task.

    Args:
        source, task, precision, calibration: as for bertie.load.
        given: the caller's word over the files'.
    Raises: as bertie.load.
    """
    check_options(task, precision, given.max_length)
    directory = resolve(source)
    opened = open_directory(directory, given)
    return prepare(settle(opened, task=task, precision=precision, calibration=calibration))


def prepare(settled: Settled) -> ModelSpec:
    """Have a source's task settle and check its share.

    Raises: InputError: the caller gives something that the task has no use for.
    Raises: TaskError, CheckpointError: the files lack what the task needs, or it is broken.
    """
    opened, name = settled.opened, settled.task.name
    task = import_module(f"bertie.tasks.{name}")  # the others take time to import
    opened.given.require_only(name, task.TAKES)
    prepared: Prepared = task.prepare(opened)
    if opened.bundle is None:  # whose numbers were looked at when it was exported
        require_finite([*opened.tensors.values(), *prepared.tensors.values()])
    return ModelSpec(settled, prepared)
