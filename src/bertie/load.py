"""From a source to a ready model."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.batching import DEFAULT_BUDGET, budget_for
from bertie.calibration import Calibration, CalibrationText, calibrate, calibration_text
from bertie.checkpoint import Checkpoint, Tensor, encoder_tensors, read_layout, require_files
from bertie.checkpoint.claims import disagreements
from bertie.checkpoint.finite import require_finite
from bertie.config import ACTIVATIONS, EncoderConfig, Setting
from bertie.encoder import PRECISIONS, Encoder, Recipe, best_precision, selected_isa
from bertie.errors import CheckpointError, InputError, TaskError
from bertie.fingerprint import fingerprint, remembered_hash
from bertie.quantize import RECIPE, int8_recipe
from bertie.sources import cache_directory, resolve
from bertie.tasks.embed import Embedder, EmbedSettings
from bertie.tasks.info import ModelInfo
from bertie.tasks.settle import Given, settle
from bertie.tasks.stages import Stage, dimensions, stages
from bertie.tokenize import Tokenizer

TASKS = ("embed",)
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
) -> Embedder:
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
    directory = resolve(source)
    layout = read_layout(directory)
    require_files(layout.transformer, config=config is None, vocab=vocab is None)
    checkpoint = Checkpoint.open(layout.transformer, config=config, activation=activation)
    tensors = encoder_tensors(checkpoint)
    tokenizer = Tokenizer.load(layout.transformer, lower=lower, vocab=vocab)
    _check_vocabulary(tokenizer, checkpoint.config)
    given = Given(pooling, normalize, max_length, prompts, lower)
    settings = settle(given, layout, checkpoint.config, tokenizer.settings)
    width = dimensions(settings.pooling, layout, checkpoint.config)
    positions = checkpoint.config.max_position_embeddings
    passed = stages(layout)
    used = dict(tensors)
    for stage in passed:
        used.update(stage.tensors)
    require_finite(used.values())
    sample = None if text is None else calibrate(text, tokenizer, positions)
    recipe = _recipe(concrete.value, checkpoint, tensors, sample, threads)
    encoder = Encoder(checkpoint.config, tensors, threads=threads, recipe=recipe)

    def describe() -> ModelInfo:
        return ModelInfo(
            source=str(source),
            directory=str(directory),
            task="embed",
            dimensions=width,
            parameters=sum(prod(tensor.shape) for tensor in used.values()),
            precision=encoder.precision,
            isa=encoder.isa,
            threads=encoder.threads,
            settings={
                **_all_settings(settings, checkpoint.config, tokenizer),
                "precision": concrete,
                **({"calibration": sample.setting()} if sample else {}),
            },
            modules=tuple(stage.words for stage in passed),
            unused=checkpoint.unused(tensors),
            notes=(
                *_notes(checkpoint, settings, tokenizer),
                *([sample.note] if sample and sample.note else []),
            ),
        )

    hashed = _hashed(settings, passed, checkpoint.config, width, concrete.value)
    if sample:
        hashed["quantization"] = {"recipe": RECIPE, "calibration": sample.text.sha256}
    # Elsewhere the caller's file may be missing or another one.
    kept = None if text is None or calibration is None else text.texts
    lasting = {**options, "precision": concrete.value, "calibration": kept}
    files = [*checkpoint.files, *layout.files]
    return Embedder(
        encoder,
        tokenizer,
        settings,
        stages=passed,
        dimensions=width,
        info=describe,
        fingerprint=partial(fingerprint, used, tokenizer, hashed, files),
        reload=partial(load, _lasting(source), **lasting),
        budget=budget or _budget(max_memory, encoder, settings.max_length.value),
    )


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
    precision: str,
    checkpoint: Checkpoint,
    tensors: Mapping[str, Tensor],
    sample: Calibration | None,
    threads: int | None,
) -> Recipe:
    """Say how the encoder computes; for int8, find out how or recall it."""
    if sample is None:
        return Recipe(precision)
    return int8_recipe(
        checkpoint.config,
        tensors,
        sample,
        tensors_hash=remembered_hash(tensors, checkpoint.files),
        cache=cache_directory() / "quantized",
        threads=threads,
    )


def _check_vocabulary(tokenizer: Tokenizer, config: EncoderConfig) -> None:
    """Refuse a vocabulary with tokens that have no embedding."""
    if tokenizer.vocab_size > config.vocab_size:
        raise CheckpointError(
            f"the vocabulary has {tokenizer.vocab_size} tokens, expected at most"
            f" {config.vocab_size} from {config.source('vocab_size')}"
        )


def _lasting(source: str | Path) -> str | Path:
    """Give a source that means the same from another working directory."""
    return Path(source).absolute() if Path(source).is_dir() else source


def _all_settings(
    settings: EmbedSettings, config: EncoderConfig, tokenizer: Tokenizer
) -> dict[str, Setting]:
    """Collect every setting: the tokenizer's, the embedder's over them, the encoder's."""
    own = {field: getattr(settings, field) for field in EmbedSettings.__dataclass_fields__}
    encoder = {name: config.setting(name) for name in config.origins}
    return {**tokenizer.settings, **own, **encoder}


def _notes(
    checkpoint: Checkpoint, settings: EmbedSettings, tokenizer: Tokenizer
) -> tuple[str, ...]:
    """Collect what is worth knowing about the files."""
    lower = tokenizer.settings["lower"].value or settings.lower_first.value
    disagree = disagreements(checkpoint.directory, settings.max_length.value, lower)
    return (*disagree, *tokenizer.notes)


def _hashed(
    settings: EmbedSettings,
    passed: Sequence[Stage],
    config: EncoderConfig,
    width: int,
    precision: str,
) -> dict[str, Any]:
    """Collect everything but tensors and tokenizer that changes a vector."""
    own = {field: getattr(settings, field).value for field in EmbedSettings.__dataclass_fields__}
    encoder = {name: getattr(config, name) for name in config.origins}
    return {
        **encoder,
        **own,
        "hidden_act": ACTIVATIONS[config.hidden_act],
        "modules": [stage.recipe for stage in passed],
        "dimensions": width,
        "output_type": "float32",
        "precision": precision,
        "task": "embed",
        "truncate": "right",
    }
