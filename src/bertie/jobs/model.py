"""The model of a job: told apart without its weights, and loaded once by whoever computes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from bertie.calls.batches import split_by_sequence
from bertie.engine.encoder import selected_isa
from bertie.errors import InputError
from bertie.jobs.job import Job
from bertie.jobs.tasks import JOB_TASKS
from bertie.loading.fingerprint import model_fingerprint
from bertie.loading.load import load
from bertie.loading.spec import specify
from bertie.opened import GIVEN, Given
from bertie.sources import resolve
from bertie.tasks.methods import METHODS
from bertie.tasks.token_counts import TokenCounts, count_tokens
from bertie.tokenize import Tokenizer

_NO_PRECISION = "none"  # of tokenizing, which computes with whole numbers


@dataclass(frozen=True)
class ModelIdentity:
    """What decides the numbers of a job's answers.

    Attributes:
        fingerprint: the model's.
        precision: concrete.
        isa: the instruction set of the kernels.
        dimensions: floats in a vector, for tasks that give vectors.
    """

    fingerprint: str
    precision: str
    isa: str
    dimensions: int | None


# What it was called when earlier releases pickled it, in a Mapper.
Identity = ModelIdentity


def identify(job: Job, precision: str | None = None) -> ModelIdentity:
    """Settle what a job computes with.

    Args:
        precision: what an earlier run computed in, which "auto" then means.
    Raises: as bertie.load.
    """
    options = load_options(job, precision)
    if JOB_TASKS[job.task].method is None:
        tokenizer = _tokenizer(job)
        said = json.dumps(tokenizer.identity(), sort_keys=True) + str(options.get("max_length"))
        return ModelIdentity(sha256(said.encode()).hexdigest(), _NO_PRECISION, selected_isa(), None)
    given = Given(**{name: options[name] for name in GIVEN if name in options})
    spec = specify(
        job.model,
        given,
        task=job.task,
        precision=options["precision"],
        calibration=options.get("calibration"),
    )
    return ModelIdentity(
        model_fingerprint(spec),
        spec.settled.precision.value,
        selected_isa(),
        spec.prepared.dimensions,
    )


def load_options(job: Job, precision: str | None) -> dict[str, Any]:
    """Give bertie.load's options, with a precision that is settled already for "auto"."""
    options = dict(job.load)
    if options.get("precision", "auto") == "auto":
        options["precision"] = precision or "auto"
    return options


class JobModel:
    """A model that is loaded for a job's calls."""

    def __init__(self, job: Job, identity: ModelIdentity, threads: int | None = None) -> None:
        """Load it.

        Args:
            identity: what it must turn out to be.
            threads: the most cores to use; None takes the job's number.
        Raises: InputError: it is another model than the job was started with.
        Raises: as bertie.load.
        """
        self.isa = selected_isa()
        self._task = JOB_TASKS[job.task]
        self._options = dict(job.options)
        self._threads = threads or job.load.get("threads")
        if self._task.method is None:
            self._tokenizer = _tokenizer(job)
            return
        options = load_options(job, identity.precision)
        self._model = load(job.model, task=job.task, **{**options, "threads": self._threads})
        if self._model.fingerprint != identity.fingerprint:
            raise InputError(
                f"{job.model} has the fingerprint {self._model.fingerprint[:12]} here, but"
                f" {identity.fingerprint[:12]} where the job was started; expected the same model"
            )
        self._method = METHODS[self._task.method]

    def compute(self, inputs: list[Any]) -> Any:
        """Answer some inputs, one answer for each.

        Raises: InputError: one of them can't be answered; or, also for no inputs, an option of the
            call can't be.
        """
        if self._task.method is None:
            return self._tokenize(inputs)
        return self._method.compute(self._model, inputs, self._options)

    def count_tokens(self, inputs: list[Any], answers: Any) -> TokenCounts:
        """Count the tokens of inputs that were answered."""
        if self._task.method is None:
            kept = tuple(len(ids) for ids, _ in answers)
            return TokenCounts(kept, tuple(left_out for _, left_out in answers))
        model = self._model
        settings = model.info().settings
        return count_tokens(model.tokenizer, settings, self._method, tuple(inputs), self._options)

    def _tokenize(self, inputs: list[Any]) -> list[tuple[Any, int]]:
        """Give the ids of each input, and how many tokens were left out."""
        pairs = bool(inputs) and isinstance(inputs[0], tuple)
        packed = self._tokenizer.encode_batch(
            [one[0] for one in inputs] if pairs else inputs,
            [one[1] for one in inputs] if pairs else None,
            truncate=self._options.get("truncate", "right"),
            threads=self._threads,
        )
        parts = split_by_sequence(packed.ids.astype(np.int32, copy=False), packed.lengths)
        return list(zip(parts, packed.truncated.tolist(), strict=True))


def _tokenizer(job: Job) -> Tokenizer:
    """Load a job's tokenizer alone. Raises: as Tokenizer.load."""
    options: Mapping[str, Any] = job.load
    return Tokenizer.load(resolve(job.model), max_length=options.get("max_length"))
