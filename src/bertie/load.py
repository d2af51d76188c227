"""From a source to a ready model."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from math import prod
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.batching import DEFAULT_BUDGET, budget_for
from bertie.calibration import Calibration, CalibrationText, calibrate, calibration_text
from bertie.checkpoint.claims import disagreements
from bertie.checkpoint.finite import require_finite
from bertie.config import ACTIVATIONS, Setting
from bertie.encoder import PRECISIONS, Encoder, Recipe, best_precision, selected_isa
from bertie.errors import InputError, TaskError
from bertie.fingerprint import fingerprint, remembered_hash
from bertie.opening import Given, Opened, open_source
from bertie.quantize import RECIPE, int8_recipe
from bertie.sources import cache_directory
from bertie.tasks.info import ModelInfo
from bertie.tasks.model import Model, Parts, Prepared
from bertie.tasks.table import TASKS, Task

AUTO = "auto"


def load(
    source: str | Path = "minilm",
    *,
    task: str | None = None,
    precision: str = AUTO,
    calibration: str | Path | Sequence[str] | None = None,
    threads: int | None = None,
    pooling: str | Sequence[str] | None = None,
    normalize: bool | None = None,
    max_length: int | None = None,
    prompts: Mapping[str, str] | None = None,
    lower: bool | None = None,
    activation: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    vocab: str | Path | None = None,
    budget: int | None = None,
    max_memory: int | None = None,
) -> Model:
    """Load a model.

    Args:
        source: a directory, or a name that `bertie pull` knows.
        task: what the model is for; None takes what the checkpoint was made for.
        precision: what to compute in: "float32", "bfloat16", "int8", or "auto" for bfloat16 where
            the CPU multiplies it natively and float32 elsewhere.
        calibration: for int8, what the model will read, in a sample of a few thousand tokens: a
            file with one text a line, or texts; None takes texts that come with Bertie.
        threads: at most so many cores at a time; None takes all that the process may use.
        pooling: "mean", "cls" or "max", or several to concatenate, instead of the checkpoint's.
        normalize: whether to scale vectors to length 1, instead of the checkpoint's word.
        max_length: the most tokens of a text, instead of the checkpoint's; never more than it has
            positions.
        prompts: texts to put before an input, by name, instead of the checkpoint's.
        lower: whether to lower-case, instead of the tokenizer's word.
        activation: the feed-forward activation, instead of hidden_act.
        config: a config.json or its content, instead of the checkpoint's.
        vocab: a vocab.txt, instead of the checkpoint's.
        budget: the most tokens in one forward pass; None for the default.
        max_memory: bytes that embedding may take beside the loaded model and the vectors, instead
            of a budget: Encoder.memory says what a forward pass takes.
    Returns: the class that fits the task.
    Raises: SourceError: the source can't be found, or lacks files.
    Raises: CheckpointError, TokenizerError: its files are broken or not supported.
    Raises: TaskError: a task that this version has nothing for.
    Raises: InputError: any other option that can't be.
    Warns: CalibrationWarning: int8, and the vocabulary doesn't know the calibration's texts.
    """
    # Only the parameters are local yet: these are the options, for whoever loads the model again.
    options = {name: value for name, value in locals().items() if name != "source"}
    _check_options(task, precision, max_length, budget, max_memory)
    concrete = _settle_precision(precision)
    text = _calibration_text(concrete.value, calibration)
    opened = open_source(
        source,
        Given(
            max_length=max_length,
            lower=lower,
            activation=activation,
            config=config,
            vocab=vocab,
            pooling=pooling,
            normalize=normalize,
            prompts=prompts,
        ),
    )
    chosen = TASKS[task or "embed"]
    prepared = _prepare(chosen, opened)
    used = {**opened.tensors, **prepared.tensors}
    require_finite(used.values())
    positions = opened.config.positions
    sample = None if text is None else calibrate(text, opened.tokenizer, positions)
    recipe = _recipe(concrete.value, opened, sample, threads)
    encoder = Encoder(opened.config, opened.tensors, threads=threads, recipe=recipe)

    def describe() -> ModelInfo:
        return ModelInfo(
            source=str(source),
            directory=str(opened.directory),
            task=chosen.name,
            dimensions=prepared.dimensions,
            parameters=sum(prod(tensor.shape) for tensor in used.values()),
            precision=encoder.precision,
            isa=encoder.isa,
            threads=encoder.threads,
            settings={
                **_all_settings(opened, prepared),
                "precision": concrete,
                **({"calibration": sample.setting()} if sample else {}),
            },
            modules=prepared.modules,
            unused=opened.checkpoint.unused(used),
            notes=(
                *_notes(opened, prepared),
                *([sample.note] if sample and sample.note else []),
            ),
        )

    hashed = _hashed(chosen, opened, prepared, concrete.value)
    if sample:
        hashed["quantization"] = {"recipe": RECIPE, "calibration": sample.text.sha256}
    # Elsewhere the caller's file may be missing or another one.
    kept = None if text is None or calibration is None else text.texts
    lasting = {**options, "task": chosen.name, "precision": concrete.value, "calibration": kept}
    files = [*opened.checkpoint.files, *opened.layout.files]
    longest = prepared.settings["max_length"].value
    return prepared.start(
        Parts(
            encoder=encoder,
            tokenizer=opened.tokenizer,
            settings=prepared.settings,
            info=describe,
            fingerprint=partial(fingerprint, used, opened.tokenizer, hashed, files),
            reload=partial(load, _lasting(source), **lasting),
            budget=budget or _budget(max_memory, encoder, longest),
        )
    )


def _prepare(task: Task, opened: Opened) -> Prepared:
    """Let the task settle what is its own, after refusing what it has no use for."""
    home = import_module(f"bertie.tasks.{task.name}")
    opened.given.require_only(task.name, home.TAKES)
    prepared: Prepared = home.prepare(opened)
    return prepared


def _check_options(
    task: str | None,
    precision: str,
    max_length: int | None,
    budget: int | None,
    max_memory: int | None,
) -> None:
    """Refuse options that can't be, before anything is read."""
    if task is not None and task not in TASKS:
        raise TaskError(f"task is {shown(task)}, but this version has only: {', '.join(TASKS)}")
    if precision not in (AUTO, *PRECISIONS):
        raise InputError(
            f"precision is {shown(precision)}, expected {', '.join((AUTO, *PRECISIONS))}"
        )
    # [CLS] and [SEP] take two.
    for name, value, least in (("max_length", max_length, 2), ("budget", budget, 1)):
        if value is not None and (type(value) is not int or value < least):
            raise InputError(
                f"{name} is {shown(value)}, expected a number of tokens, at least {least}"
            )
    if max_memory is not None and (type(max_memory) is not int or max_memory < 1):
        raise InputError(f"max_memory is {shown(max_memory)}, expected a number of bytes")
    if max_memory is not None and budget is not None:
        raise InputError("budget and max_memory are both given, expected one of them")


def _budget(max_memory: int | None, encoder: Encoder, longest: int) -> int:
    """Settle the most tokens in one forward pass."""
    if max_memory is None:
        return DEFAULT_BUDGET
    fixed, per_token = encoder.memory(longest)
    return budget_for(max_memory, fixed, per_token, longest)


def _settle_precision(precision: str) -> Setting:
    """Settle what to compute in, and say why."""
    if precision != AUTO:
        return Setting(precision, "caller")
    best = best_precision()
    native = "multiplies bfloat16 natively" if best == "bfloat16" else "has no native bfloat16"
    return Setting(best, f"{AUTO}: {selected_isa()} {native}")


def _calibration_text(
    precision: str, given: str | Path | Sequence[str] | None
) -> CalibrationText | None:
    """Find the texts to calibrate with, where the precision needs any."""
    if precision == "int8":
        return calibration_text(given)
    if given is not None:
        raise InputError(
            f"calibration is given, but precision is {precision}: only int8 is calibrated;"
            " leave it out, or give precision='int8'"
        )
    return None


def _recipe(
    precision: str, opened: Opened, sample: Calibration | None, threads: int | None
) -> Recipe:
    """Say how the encoder computes; for int8, find out how or recall it."""
    if sample is None:
        return Recipe(precision)
    return int8_recipe(
        opened.config,
        opened.tensors,
        sample,
        tensors_hash=remembered_hash(opened.tensors, opened.checkpoint.files),
        cache=cache_directory() / "quantized",
        threads=threads,
    )


def _lasting(source: str | Path) -> str | Path:
    """Give a source that means the same from another working directory."""
    return Path(source).absolute() if Path(source).is_dir() else source


def _all_settings(opened: Opened, prepared: Prepared) -> dict[str, Setting]:
    """Collect every setting: the tokenizer's, the task's over them, the encoder's."""
    encoder = {name: opened.config.setting(name) for name in opened.config.origins}
    return {**opened.tokenizer.settings, **prepared.settings, **encoder}


def _notes(opened: Opened, prepared: Prepared) -> tuple[str, ...]:
    """Collect what is worth knowing about the files."""
    settings = prepared.settings
    lower = opened.tokenizer.settings["lower"].value or settings["lower_first"].value
    directory = opened.checkpoint.directory
    disagree = disagreements(directory, settings["max_length"].value, lower)
    return (*disagree, *opened.checkpoint.notes(), *opened.tokenizer.notes, *prepared.notes)


def _hashed(task: Task, opened: Opened, prepared: Prepared, precision: str) -> dict[str, Any]:
    """Collect everything but tensors and tokenizer that changes a result."""
    config = opened.config
    return {
        **{name: getattr(config, name) for name in config.origins},
        **{name: setting.value for name, setting in prepared.settings.items()},
        **prepared.recipe,
        "hidden_act": ACTIVATIONS[config.hidden_act],
        "precision": precision,
        "task": task.name,
        "truncate": "right",
    }
