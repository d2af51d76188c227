"""A job: what to do with which rows, as its caller asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMATS = ("parquet", "jsonl")
# A shard has so many rows: seconds of work for a small model, an output that can wait in memory.
# Long rows end it sooner, at so many bytes of input for each row that it may have.
SHARD_ROWS = 4096
ROW_BYTES = 1024


@dataclass(frozen=True)
class Job:
    """One job. Everything here but `model`'s name decides the output's bytes.

    Attributes:
        task: a key of bertie.jobs.tasks.JOB_TASKS.
        inputs: files, directories and patterns; "-" alone is standard input.
        output: a .parquet or .jsonl file, or a directory of shards.
        model: as for bertie.load.
        load: bertie.load's options.
        options: the keyword arguments of the task's method.
        column: the column that holds the text.
        pair: a text that goes with every row's, where the task takes pairs.
        pair_column: the column with such a text for each row, instead.
        keep: the columns of the input to keep; None keeps all.
        input_format: of files whose names don't tell.
        output_format: one of FORMATS, for a directory; a file's name says it.
        shard_rows: the most rows of a shard.
    """

    task: str
    inputs: tuple[str, ...]
    output: Path
    model: str = "minilm"
    load: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    column: str = "text"
    pair: str | None = None
    pair_column: str | None = None
    keep: tuple[str, ...] | None = None
    input_format: str | None = None
    output_format: str = "parquet"
    shard_rows: int = SHARD_ROWS
