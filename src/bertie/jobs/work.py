"""One shard's work: rows to rows with answers, and those that can't be answered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.columns import broken, selected
from bertie.jobs.content import Content
from bertie.jobs.counts import Counts
from bertie.jobs.engine import Engine
from bertie.jobs.job import Job
from bertie.jobs.steps import STEPS
from bertie.tables import Bad

# Told of the rows and tokens that were answered just now.
Tick: TypeAlias = Callable[[int, int], None]

# A call has at most so many inputs or, one long one aside, characters.
_CALL_INPUTS = 1024
_CALL_CHARACTERS = 2**20


@dataclass(frozen=True, eq=False)
class Worked:
    """What became of a shard.

    Attributes:
        table: the rows that were answered, with their answers.
        rejects: those that were not, in their order.
        counts: of both.
    """

    table: Any
    rejects: list[Bad]
    counts: Counts


def work(
    engine: Engine, job: Job, columns: Any, table: Any, content: Content, tick: Tick | None = None
) -> Worked:
    """Answer a shard's rows.

    Args:
        columns: the output's schema.
        table: the rows, as Arrow.
        content: their numbers, and the rows that couldn't be read.
        tick: told of every call.
    Raises: whatever isn't the fault of a row.
    """
    inputs, faults = _inputs(job, table)
    places = [place for place in range(table.num_rows) if place not in faults]
    names = [name for name in table.column_names if job.keep is None or name in job.keep]
    fields = [columns.field(index) for index in range(len(names), len(columns))]
    answered: list[int] = []
    parts: list[list[Any]] = [[] for _ in fields]
    counts = Counts()
    for call in _calls(places, inputs):
        good, answers, failures = _answered(engine, [inputs[place] for place in call])
        faults |= {call[index]: reason for index, reason in failures.items()}
        if not good:
            continue
        done = [call[index] for index in good]
        found = engine.count([inputs[place] for place in done], answers)
        tokens = sum(found.tokens)
        counts += Counts(
            rows=len(done),
            tokens=tokens,
            truncated=sum(1 for cut in found.truncated if cut),
            left_out=sum(found.truncated),
        )
        answered += done
        for part, array in zip(parts, STEPS[job.task].arrays(answers, fields), strict=True):
            part.append(array)
        if tick is not None:
            tick(len(done), tokens)
    kept = table.select(names)
    if len(answered) < table.num_rows:
        kept = selected(kept, answered)
    arrays = [pa.chunked_array(part, field.type) for part, field in zip(parts, fields, strict=True)]
    for field, array in zip(fields, arrays, strict=True):
        kept = kept.append_column(field, array)
    rejects = [*content.bad, *(Bad(*content.numbers[i], reason) for i, reason in faults.items())]
    rejects.sort(key=lambda bad: bad.number)
    return Worked(kept, rejects, counts + Counts(rejected=len(rejects)))


def _inputs(job: Job, table: Any) -> tuple[list[Any], dict[int, str]]:
    """Make the method's inputs of the rows; some rows have none."""
    texts, faults = _texts(job.column, table)
    if job.pair is None and job.pair_column is None:
        return list(texts), faults
    others: Sequence[Any] = [job.pair] * len(texts)
    if job.pair_column is not None:
        others, more = _texts(job.pair_column, table)
        faults = {**more, **faults}
    if STEPS[job.task].pair_first:
        return list(zip(others, texts, strict=True)), faults
    return list(zip(texts, others, strict=True)), faults


def _texts(name: str, table: Any) -> tuple[Sequence[Any], dict[int, str]]:
    """Read a column's texts, and say which rows have none."""
    column = table.column(name)
    faults = broken(table.select([name]))
    if faults:
        texts = [None if n in faults else column[n].as_py() for n in range(len(column))]
    else:
        texts = column.to_pylist()
    fault = f"column {name!r} is null, expected text"
    return texts, {n: faults.get(n, fault) for n, text in enumerate(texts) if text is None}


def _calls(places: Sequence[int], inputs: Sequence[Any]) -> Iterator[list[int]]:
    """Cut rows into calls of a bounded number of inputs and characters."""
    call: list[int] = []
    characters = 0
    for place in places:
        call.append(place)
        one = inputs[place]
        characters += len(one) if isinstance(one, str) else sum(map(len, one))
        if len(call) == _CALL_INPUTS or characters >= _CALL_CHARACTERS:
            yield call
            call, characters = [], 0
    if call:
        yield call


def _answered(
    engine: Engine, inputs: list[Any], first: int = 0
) -> tuple[list[int], list[Any], Mapping[int, str]]:
    """Answer the inputs that can be, by halves where one of them can't.

    Returns: the places of those that were answered, their answers, and why others weren't.
    """
    try:
        return list(range(first, first + len(inputs))), engine.answer(inputs), {}
    except InputError as error:
        if len(inputs) == 1:
            return [], [], {first: _reason(error)}
    middle = len(inputs) // 2
    good, answers, failures = _answered(engine, inputs[:middle], first)
    more, others, later = _answered(engine, inputs[middle:], first + middle)
    return [*good, *more], [*answers, *others], {**failures, **later}


def _reason(error: InputError) -> str:
    """Say what is wrong with the one row of a call, whose place in the call says nothing."""
    said = re.sub(r"\b(text|question) 0\b", r"the \1", str(error))
    return said.split(" (positions count from 0)")[0]
