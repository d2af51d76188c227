"""A plan: all that a worker needs to do any shard of a job, wherever it runs."""

from dataclasses import dataclass
from typing import Any

from bertie.jobs.files import InputFile
from bertie.jobs.job import Job
from bertie.jobs.layout import OutputLayout
from bertie.jobs.model import ModelIdentity


@dataclass(frozen=True)
class Plan:
    """A job, settled. It pickles.

    Attributes:
        job: what was asked for.
        files: of the input.
        layout: of the output.
        identity: of the model, and what it computes in.
        schema: the input's columns.
        columns: the output's.
        any_isa: whether a worker may have another instruction set than the job was started on.
    """

    job: Job
    files: tuple[InputFile, ...]
    layout: OutputLayout
    identity: ModelIdentity
    schema: Any
    columns: Any
    any_isa: bool = False
