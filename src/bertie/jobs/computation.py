"""A shard computed: rows to rows with answers, and those that can't be answered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.chunk import Chunk
from bertie.jobs.columns import select_rows, unreadable_rows
from bertie.jobs.counts import Counts
from bertie.jobs.job import Job
from bertie.jobs.model import JobModel
from bertie.jobs.tasks import JOB_TASKS
from bertie.tables import Bad

# Called with how many rows and tokens were answered just now.
OnRows: TypeAlias = Callable[[int, int], None]

# A call has at most so many inputs or, one long one aside, characters.
_CALL_INPUTS = 1024
_CALL_CHARACTERS = 2**20


@dataclass(frozen=True, eq=False)
class ShardResult:
    """What became of a shard.

    Attributes:
        table: the rows that were answered, with their answers.
        rejects: those that were not, in their order.
        counts: of both.
    """

    table: Any
    rejects: list[Bad]
    counts: Counts


def compute_shard(
    model: JobModel, job: Job, columns: Any, table: Any, chunk: Chunk, on_rows: OnRows | None = None
) -> ShardResult:
    """Answer a shard's rows.

    Args:
        columns: the output's schema.
        table: the rows, as Arrow.
        chunk: their numbers, and the rows that couldn't be read.
        on_rows: told of every call.
    Raises: whatever isn't the fault of a row.
    """
    inputs, errors = _inputs(job, table)
    indexes = [index for index in range(table.num_rows) if index not in errors]
    names = [name for name in table.column_names if job.keep is None or name in job.keep]
    fields = [columns.field(index) for index in range(len(names), len(columns))]
    computed: list[int] = []
    parts: list[list[Any]] = [[] for _ in fields]
    counts = Counts()
    for call in _calls(indexes, inputs):
        good, answers, failures = _compute_bisecting(model, [inputs[index] for index in call])
        errors |= {call[index]: reason for index, reason in failures.items()}
        if not good:
            continue
        done = [call[index] for index in good]
        found = model.count_tokens([inputs[index] for index in done], answers)
        tokens = sum(found.tokens)
        counts += Counts(
            rows=len(done),
            tokens=tokens,
            truncated=sum(1 for cut in found.truncated if cut),
            left_out=sum(found.truncated),
        )
        computed += done
        for part, array in zip(parts, JOB_TASKS[job.task].arrays(answers, fields), strict=True):
            part.append(array)
        if on_rows is not None:
            on_rows(len(done), tokens)
    kept = table.select(names)
    if len(computed) < table.num_rows:
        kept = select_rows(kept, computed)
    arrays = [pa.chunked_array(part, field.type) for part, field in zip(parts, fields, strict=True)]
    for field, array in zip(fields, arrays, strict=True):
        kept = kept.append_column(field, array)
    rejects = [*chunk.bad, *(Bad(*chunk.numbers[i], reason) for i, reason in errors.items())]
    rejects.sort(key=lambda bad: bad.number)
    return ShardResult(kept, rejects, counts + Counts(rejected=len(rejects)))


def _inputs(job: Job, table: Any) -> tuple[list[Any], dict[int, str]]:
    """Make the method's inputs of the rows; some rows have none."""
    texts, errors = _read_texts(job.column, table)
    if job.pair is None and job.pair_column is None:
        return list(texts), errors
    others: Sequence[Any] = [job.pair] * len(texts)
    if job.pair_column is not None:
        others, more = _read_texts(job.pair_column, table)
        errors = {**more, **errors}
    if JOB_TASKS[job.task].pair_first:
        return list(zip(others, texts, strict=True)), errors
    return list(zip(texts, others, strict=True)), errors


def _read_texts(name: str, table: Any) -> tuple[Sequence[Any], dict[int, str]]:
    """Read a column's texts, and say which rows have none."""
    column = table.column(name)
    errors = unreadable_rows(table.select([name]))
    if errors:
        texts = [None if n in errors else column[n].as_py() for n in range(len(column))]
    else:
        texts = column.to_pylist()
    error = f"column {name!r} is null, expected text"
    return texts, {n: errors.get(n, error) for n, text in enumerate(texts) if text is None}


def _calls(indexes: Sequence[int], inputs: Sequence[Any]) -> Iterator[list[int]]:
    """Cut rows into calls of a bounded number of inputs and characters."""
    call: list[int] = []
    characters = 0
    for index in indexes:
        call.append(index)
        one = inputs[index]
        characters += len(one) if isinstance(one, str) else sum(map(len, one))
        if len(call) == _CALL_INPUTS or characters >= _CALL_CHARACTERS:
            yield call
            call, characters = [], 0
    if call:
        yield call


def _compute_bisecting(
    model: JobModel, inputs: list[Any], first: int = 0
) -> tuple[list[int], list[Any], Mapping[int, str]]:
    """Answer the inputs that can be, by bisection where one of them can't.

    Returns: the positions of those that were answered, their answers, and why others weren't.
    """
    try:
        return list(range(first, first + len(inputs))), model.compute(inputs), {}
    except InputError as error:
        if len(inputs) == 1:
            return [], [], {first: _reason(error)}
    middle = len(inputs) // 2
    good, answers, failures = _compute_bisecting(model, inputs[:middle], first)
    more, others, later = _compute_bisecting(model, inputs[middle:], first + middle)
    return [*good, *more], [*answers, *others], {**failures, **later}


def _reason(error: InputError) -> str:
    """Say what is wrong with the one row of a call, whose position in the call says nothing."""
    said = re.sub(r"\b(text|question) 0\b", r"the \1", str(error))
    return said.split(" (positions count from 0)")[0]
