"""From a source to a ready model."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np

from bertie.errors import InputError
from bertie.loading.build import build
from bertie.loading.settle import AUTO
from bertie.loading.spec import specify
from bertie.opened import GIVEN, Given
from bertie.sources.local import absolute_source
from bertie.tasks.model import Model


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
    labels: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    dimensions: int | None = None,
    ranges: Any = None,
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
            the CPU multiplies it faster than float32, and float32 elsewhere.
        calibration: for int8, what the model will read, in a sample of a few thousand tokens: a
            file with one text a line, or texts; None takes texts that come with Bertie.
        threads: at most so many cores at a time; None takes all that the process may use.
        pooling: "mean", "cls", "max", "mean_sqrt_len", "weighted_mean", "last_token", "sep",
            "mean_max" or "first_last", or several to concatenate, instead of the checkpoint's.
        layers: whose hidden states are pooled, as numbers: 0 the embeddings, -1 the last layer;
            several are concatenated. None is the last.
        normalize: whether to scale vectors to length 1, instead of the checkpoint's word.
        max_length: the most tokens of a text, instead of the checkpoint's; never more than it has
            positions.
        prompts: texts to put before an input, by name, instead of the checkpoint's.
        dimensions: floats to keep of a vector, for models trained so that its beginning serves
            alone (Matryoshka, arXiv:2205.13147).
        ranges: (2, dimensions) the least and largest value of each dimension, which int8 and
            uint8 vectors are cut to; Embedder.ranges finds them.
        labels: names of a head's outputs, in order, instead of the checkpoint's.
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
    ranges = ranges.tolist() if isinstance(ranges, np.ndarray) else ranges
    # Only the parameters are local yet: these are the options, for whoever loads the model again.
    options = {name: value for name, value in locals().items() if name != "source"}
    _check_budget(budget, max_memory)
    given = Given(**{name: options[name] for name in GIVEN})
    spec = specify(source, given, task=task, precision=precision, calibration=calibration)
    # Elsewhere the working directory may be another, and the caller's file missing.
    sample = spec.sample
    kept = None if sample is None or calibration is None else sample.text.texts
    again = {**options, "precision": spec.settled.precision.value, "calibration": kept}
    reload = partial(load, absolute_source(source), **again)
    return build(spec, str(source), reload, threads=threads, budget=budget, max_memory=max_memory)


def _check_budget(budget: int | None, max_memory: int | None) -> None:
    """Refuse a bound on memory that can't be, before anything is read."""
    if budget is not None and (type(budget) is not int or budget < 1):
        raise InputError(f"budget is {shown(budget)}, expected a number of tokens, at least 1")
    if max_memory is not None and (type(max_memory) is not int or max_memory < 1):
        raise InputError(f"max_memory is {shown(max_memory)}, expected a number of bytes")
    if max_memory is not None and budget is not None:
        raise InputError("budget and max_memory are both given, expected one of them")
