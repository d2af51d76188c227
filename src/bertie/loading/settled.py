"""Everything that is decided about a model before anything is packed or computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

from bertie.checkpoint.bundle import Bundle
from bertie.checkpoint.claims import disagreements
from bertie.checkpoint.config import ACTIVATIONS, Setting
from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.tensor import Tensor
from bertie.engine.encoder import PRECISIONS, Recipe, best_precision, selected_isa
from bertie.errors import InputError, TaskError
from bertie.loading.detect import class_notes, detect
from bertie.opened import Given, Opened, open_source
from bertie.tasks.model import Prepared
from bertie.tasks.settle import overruled
from bertie.tasks.table import TASKS, Task

if TYPE_CHECKING:
    from bertie.engine.calibration import Calibration

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Settled:
    """A source, its task and its precision.

    Attributes:
        opened: its files.
        task: what it is for.
        purpose: the task's name, and why it is that.
        prepared: what the task settled.
        precision: what to compute in, and why.
        sample: what an int8 model is calibrated with here and now, or None.
    """

    opened: Opened
    task: Task
    purpose: Setting
    prepared: Prepared
    precision: Setting
    sample: "Calibration | None"

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
            "task": self.purpose,
            "precision": self.precision,
        }
        if self.calibration is not None:
            settings["calibration"] = self.calibration
        return settings

    @property
    def calibration(self) -> Setting | None:
        """What an int8 model is calibrated with, here or when its bundle was exported."""
        if self.sample is not None:
            return self.sample.setting()
        return self._quantized_by.calibration if self._quantized_by else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing about the files."""
        settings = self.prepared.settings
        tokenizer = self.opened.tokenizer
        lower = tokenizer.settings["lower"].value or settings["lower_first"].value
        checkpoint = self.opened.checkpoint
        disagree = disagreements(checkpoint.directory, settings["max_length"].value, lower)
        calibration = [self.sample.note] if self.sample and self.sample.note else []
        return (
            *overruled(self.opened, settings),
            *disagree,
            *checkpoint.notes(),
            *checkpoint.strangers([*self.opened.tensors, *self.opened.scales]),
            *self.opened.layout.notes,
            *self._unasked(),
            *tokenizer.notes,
            *self.prepared.notes,
            *calibration,
        )

    def _unasked(self) -> tuple[str, ...]:
        """Say what the files say that nobody asked for: another class, a prompt."""
        layout = self.opened.layout
        default = layout.default_prompt_name
        notes = class_notes(self.opened) if self.purpose.origin.startswith("default") else ()
        asked = self.prepared.settings.keys() & {"prompt", "prompts"}
        if layout.prompts.value.get(default.value) and not asked:
            notes += (
                f"{default.origin} is {shown(default.value)}, but the task {self.task.name!r} puts"
                " no prompt before texts",
            )
        return notes

    def fingerprint(self) -> str:
        """Hash all that determines a result."""
        from bertie.loading.fingerprint import (
            fingerprint,  # here, as below: a first vector needs none
        )

        opened = self.opened
        files = [*opened.checkpoint.files, *opened.layout.files]
        known = opened.bundle.hashes if opened.bundle else None
        return fingerprint(self.used, opened.tokenizer, self._hashed, files, known)

    def recipe(self, threads: int | None = None) -> Recipe:
        """Say how the encoder computes; for int8, find out how or recall it."""
        if self.sample is None and self._quantized_by is None:
            return Recipe(self.precision.value)
        from bertie.engine.quantize import int8_recipe, stored_recipe  # only int8 takes the time
        from bertie.loading.fingerprint import remembered_hash
        from bertie.sources import cache_directory

        if self.sample is None:
            return stored_recipe(self.opened.config, self.opened.scales)
        return int8_recipe(
            self.opened.config,
            self.opened.tensors,
            self.sample,
            tensors_hash=remembered_hash(self.opened.tensors, self.opened.checkpoint.files),
            cache=cache_directory() / "quantized",
            threads=threads,
        )

    @property
    def _quantized_by(self) -> Bundle | None:
        """The bundle whose weights are in int8, if the source is one."""
        bundle = self.opened.bundle
        return bundle if bundle is not None and bundle.quantized else None

    @cached_property
    def quantization(self) -> Mapping[str, Any] | None:
        """How int8 weights come about and what they were calibrated with, for a fingerprint."""
        if self.calibration is None:
            return None
        from bertie.engine.quantize import RECIPE

        recipe = self._quantized_by.recipe if self._quantized_by else RECIPE
        return {"recipe": recipe, "calibration": self.calibration.value["sha256"]}

    @property
    def _hashed(self) -> dict[str, Any]:
        """Everything but tensors and tokenizer that changes a result."""
        config = self.opened.config
        hashed = {
            **{name: getattr(config, name) for name in config.origins},
            **{name: setting.value for name, setting in self.prepared.settings.items()},
            **self.prepared.recipe,
            "hidden_act": ACTIVATIONS[config.hidden_act],
            "precision": self.precision.value,
            "task": self.task.name,
            "truncate": "right",
        }
        if self.quantization is not None:
            hashed["quantization"] = self.quantization
        return hashed


def settle(
    source: str | Path,
    given: Given,
    *,
    task: str | None = None,
    precision: str = AUTO,
    calibration: str | Path | Sequence[str] | None = None,
) -> Settled:
    """Open a source and decide everything about it.

    Args:
        source, task, precision, calibration: as for bertie.load.
        given: the caller's word over the files'.
    Raises: as bertie.load.
    """
    _check(task, precision, given.max_length)
    opened = open_source(source, given)
    concrete = _precision(precision, opened.bundle)
    purpose = purpose_of(task, opened)
    chosen = TASKS[purpose.value]
    home = import_module(f"bertie.tasks.{chosen.name}")
    opened.given.require_only(chosen.name, home.TAKES)
    prepared: Prepared = home.prepare(opened)
    if opened.bundle is None:  # whose numbers were looked at when it was exported
        require_finite([*opened.tensors.values(), *prepared.tensors.values()])
    return Settled(
        opened, chosen, purpose, prepared, concrete, _sample(concrete, calibration, opened)
    )


def _check(task: str | None, precision: str, max_length: int | None) -> None:
    """Refuse options that can't be, before anything is read."""
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
    quantized = opened.bundle is not None and opened.bundle.quantized
    if precision.value == "int8" and not quantized:
        from bertie.engine.calibration import calibrate, calibration_text

        return calibrate(calibration_text(given), opened.tokenizer, opened.config.positions)
    if given is not None:
        raise InputError(
            "calibration is given, but the bundle's weights are int8 already: leave it out"
            if quantized
            else f"calibration is given, but precision is {precision.value}: only int8 is"
            " calibrated; leave it out, or give precision='int8'"
        )
    return None
