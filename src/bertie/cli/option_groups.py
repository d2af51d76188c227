"""Options that go together, declared once and handed to commands as one thing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bertie.cli import inputs, options, output
from bertie.cli.row_stream import RowAnswers

Command = Callable[..., None]
# A task's name, and whatever else load takes → the model, loaded as the options say.
LoadModel = Callable[..., Any]
# → the rows that the options name, open.
OpenRows = Callable[[], AbstractContextManager[inputs.RowReader]]


def _decorated(function: Command, *decorators: Callable[[Command], Command]) -> Command:
    """Decorate a function, the first decorator's option first in its help."""
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def model_options(function: Command) -> Command:
    """Add the options of a model, here or on a server; the command gets `load`."""

    @wraps(function)
    def wrapped(
        *,
        source: str,
        server: str | None,
        precision: str,
        calibration: Path | None,
        max_length: int | None,
        threads: int | None,
        **others: Any,
    ) -> None:
        def load(task: str, **more: Any) -> Any:
            from bertie.cli.model import connect, load_model

            settings = {
                **more,
                "precision": precision,
                "calibration": calibration,
                "max_length": max_length,
                "threads": threads,
            }
            if server is None:
                return load_model(source, task, **settings)
            for name in settings:
                if is_given(name):
                    flag = f"--{name.replace('_', '-')}"
                    raise click.UsageError(f"{flag} is the server's to decide, not a caller's")
            return connect(server, source if is_given("source") else None)

        function(load=load, **others)

    return _decorated(
        wrapped,
        options.model,
        options.server,
        options.precision,
        options.calibration,
        options.max_length,
        options.threads,
    )


def is_given(name: str) -> bool:
    """Whether the user gave an option, rather than its default."""
    return click.get_current_context().get_parameter_source(name) not in (
        ParameterSource.DEFAULT,
        ParameterSource.DEFAULT_MAP,
        None,
    )


def input_options(argument: str) -> Callable[[Command], Command]:
    """Add the options of rows to read, named by arguments too; the command gets `open_rows`."""

    def decorate(function: Command) -> Command:
        @wraps(function)
        def wrapped(
            *,
            input_file: Path | None,
            column: str,
            file_format: str | None,
            **others: Any,
        ) -> None:
            texts: Sequence[str] = others.pop(argument)

            def open_rows() -> AbstractContextManager[inputs.RowReader]:
                return inputs.open_rows(texts, input_file, file_format, column)

            function(open_rows=open_rows, **others)

        return _decorated(
            wrapped,
            click.argument(argument, nargs=-1),
            options.input_file,
            options.column,
            options.file_format,
        )

    return decorate


class RowWriter:
    """Where answers go: a file, a person's terminal, or JSONL for whatever reads it."""

    def __init__(self, output_file: Path | None, show_as: str | None) -> None:
        self._file = output_file
        self._show_as = show_as

    def write(self, rows: RowAnswers, name: str, lines: Callable[[Any], Iterator[str]]) -> None:
        """Write answers.

        Args:
            rows: each row's fields and its answer: a record, or a list of records.
            name: the column that the answer goes to.
            lines: an answer for a person.
        """
        if self._file is not None:
            from bertie.cli.row_files import write_rows

            count = write_rows(self._file, ((fields, answer) for _, fields, answer in rows), name)
            click.echo(f"{count} rows in {self._file}", err=True)
        elif output.as_table(self._show_as):
            for text, _, answer in rows:
                click.echo(text)
                for line in lines(answer):
                    click.echo(f"  {line}")
        else:
            from bertie.cli.row_files import with_answer

            for _, fields, answer in rows:
                output.print_json(with_answer(fields, answer, name), as_read=True)


def output_options(function: Command) -> Command:
    """Add the options of what is done with answers; the command gets `writer`."""

    @wraps(function)
    def wrapped(*, output_file: Path | None, show_as: str | None, **others: Any) -> None:
        function(writer=RowWriter(output_file, show_as), **others)

    return _decorated(wrapped, options.output_file, options.show_as)
