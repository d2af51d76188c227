"""A model's specification: all that is decided before anything is packed or computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.tensor import Tensor
from bertie.engine.encoder import PRECISIONS
from bertie.errors import InputError, TaskError
from bertie.loading.settle import AUTO, Settled, settle
from bertie.opened import Given, Opened, open_source
from bertie.tasks.model import Prepared
from bertie.tasks.table import TASKS

if TYPE_CHECKING:
    from bertie.engine.calibration import Calibration


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A source that is settled, with its task's share.

    Attributes:
        settled: its files, its task and its precision.
        prepared: what the task settled.
        sample: what an int8 model is calibrated with here and now, or None.
    """

    settled: Settled
    prepared: Prepared
    sample: "Calibration | None"

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
        if self.calibration is not None:
            settings["calibration"] = self.calibration
        return settings

    @property
    def calibration(self) -> Setting | None:
        """What an int8 model is calibrated with, here or when its bundle was exported."""
        if self.sample is not None:
            return self.sample.setting()
        return self.opened.quantized.calibration if self.opened.quantized else None

    @cached_property
    def quantization(self) -> Mapping[str, Any] | None:
        """How int8 weights come about and what they were calibrated with, for a fingerprint."""
        if self.calibration is None:
            return None
        from bertie.engine.quantize import RECIPE  # here because only int8 takes the time

        recipe = self.opened.quantized.recipe if self.opened.quantized else RECIPE
        return {"recipe": recipe, "calibration": self.calibration.value["sha256"]}


def check_options(task: str | None, precision: str, max_length: int | None) -> None:
    """Refuse options that can't be, before anything is read.

    Args:
        task, precision, max_length: as for bertie.load.
    Raises: TaskError, InputError: saying what is expected.
    """
    if task is not None and task not in tuple(TASKS):
        raise TaskError(f"task is {shown(task)}, but this version has only: {', '.join(TASKS)}")
    if precision not in (AUTO, *PRECISIONS):
        raise InputError(
            f"precision is {shown(precision)}, expected {', '.join((AUTO, *PRECISIONS))}"
        )
    # [CLS] and [SEP] take two.
    if max_length is not None and (type(max_length) is not int or max_length < 2):
        raise InputError(
            f"max_length is {shown(max_length)}, expected a number of tokens, at least 2"
        )


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
    opened = open_source(source, given)
    return prepare(settle(opened, task=task, precision=precision), calibration)


def prepare(settled: Settled, calibration: str | Path | Sequence[str] | None = None) -> ModelSpec:
    """Have a source's task settle and check its share; for int8, take a sample to calibrate with.

    Args:
        settled: what the source is for, and what to compute in.
        calibration: as for bertie.load.
    Raises: InputError: the caller gives something that the task or the precision has no use for.
    Raises: TaskError, CheckpointError: the files lack what the task needs, or it is broken.
    """
    opened, name = settled.opened, settled.task.name
    task = import_module(f"bertie.tasks.{name}")  # the others take time to import
    opened.given.require_only(name, task.TAKES)
    prepared: Prepared = task.prepare(opened)
    if opened.bundle is None:  # whose numbers were looked at when it was exported
        require_finite([*opened.tensors.values(), *prepared.tensors.values()])
    return ModelSpec(settled, prepared, _sample(settled.precision, calibration, opened))


def _sample(
    precision: Setting, given: str | Path | Sequence[str] | None, opened: Opened
) -> "Calibration | None":
    """Make the sample that an int8 model is calibrated with, unless its bundle's already is."""
    if precision.value == "int8" and not opened.quantized:
        from bertie.engine.calibration import calibrate, calibration_text  # here, too

        return calibrate(calibration_text(given), opened.tokenizer, opened.config.positions)
    if given is not None:
        raise InputError(
            "calibration is given, but the bundle's weights are int8 already: leave it out"
            if opened.quantized
            else f"calibration is given, but precision is {precision.value}: only int8 is"
            " calibrated; leave it out, or give precision='int8'"
        )
    return None
