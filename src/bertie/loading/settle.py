"""What is decided about a source whatever it is for: its task, its precision, its calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

from bertie.checkpoint.bundle import Bundle
from bertie.checkpoint.config import Setting
from bertie.engine.encoder import PRECISIONS, best_precision, selected_isa
from bertie.errors import InputError, TaskError
from bertie.loading.detect import detect
from bertie.opened import Opened
from bertie.tasks.table import TASKS, Task

if TYPE_CHECKING:
    from bertie.engine.calibration import Calibration

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Settled:
    """A source, its task and its precision.

    Attributes:
        opened: its files.
        purpose: the task's name, and why it is that.
        precision: what to compute in, and why.
        sample: what an int8 model is calibrated with here and now, or None.
    """

    opened: Opened
    purpose: Setting
    precision: Setting
    sample: "Calibration | None"

    @property
    def task(self) -> Task:
        """What the source is for."""
        return TASKS[self.purpose.value]

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


def settle(
    opened: Opened,
    *,
    task: str | None = None,
    precision: str = AUTO,
    calibration: str | Path | Sequence[str] | None = None,
) -> Settled:
    """Decide what a source is for, and what to compute in.

    Args:
        opened: its files.
        task, precision, calibration: as for bertie.load.
    Raises: as bertie.load.
    """
    concrete = _precision(precision, opened.bundle)
    purpose = purpose_of(task, opened)
    return Settled(opened, purpose, concrete, _sample(concrete, calibration, opened))


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


def auto_precision() -> Setting:
    """Say what auto means on this CPU, and why."""
    best = best_precision()
    native = "multiplies bfloat16 natively" if best == "bfloat16" else "has no native bfloat16"
    return Setting(best, f"{AUTO}: {selected_isa()} {native}")


def _sample(
    precision: Setting, given: str | Path | Sequence[str] | None, opened: Opened
) -> "Calibration | None":
    """Make the sample that an int8 model is calibrated with, unless its bundle's already is."""
    if precision.value == "int8" and not opened.quantized:
        from bertie.engine.calibration import calibrate, calibration_text

        return calibrate(calibration_text(given), opened.tokenizer, opened.config.positions)
    if given is not None:
        raise InputError(
            "calibration is given, but the bundle's weights are int8 already: leave it out"
            if opened.quantized
            else f"calibration is given, but precision is {precision.value}: only int8 is"
            " calibrated; leave it out, or give precision='int8'"
        )
    return None
