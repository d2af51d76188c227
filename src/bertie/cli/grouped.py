"""Options that go together, declared once and handed to commands as one thing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bertie.cli import inputs, options, output
from bertie.cli.answers import Answered

Command = Callable[..., None]
# A task's name, and whatever else load takes → the model, loaded as the options say.
Load = Callable[..., Any]
# → the rows that the options name, open.
Open = Callable[[], AbstractContextManager[inputs.Source]]


def _with(function: Command, *decorators: Callable[[Command], Command]) -> Command:
    """Decorate a function, the first decorator's option first in its help."""
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def loading(function: Command) -> Command:
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
                if given(name):
                    flag = f"--{name.replace('_', '-')}"
                    raise click.UsageError(f"{flag} is the server's to decide, not a caller's")
            return connect(server, source if given("source") else None)

        function(load=load, **others)

    return _with(
        wrapped,
        options.model,
        options.server,
        options.precision,
        options.calibration,
        options.max_length,
        options.threads,
    )


def given(name: str) -> bool:
    """Whether the user gave an option, rather than its default."""
    return click.get_current_context().get_parameter_source(name) not in (
        ParameterSource.DEFAULT,
        ParameterSource.DEFAULT_MAP,
        None,
    )


def reading(argument: str) -> Callable[[Command], Command]:
    """Add the options of rows to read, named by arguments too; the command gets `rows`."""

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

            def rows() -> AbstractContextManager[inputs.Source]:
                return inputs.rows(texts, input_file, file_format, column)

            function(rows=rows, **others)

        return _with(
            wrapped,
            click.argument(argument, nargs=-1),
            options.input_file,
            options.column,
            options.file_format,
        )

    return decorate


class Out:
    """Where answers go: a file, a person's terminal, or JSONL for whatever reads it."""

    def __init__(self, output_file: Path | None, show_as: str | None) -> None:
        self._file = output_file
        self._show_as = show_as

    def give(self, rows: Answered, name: str, lines: Callable[[Any], Iterator[str]]) -> None:
        """Give answers out.

        Args:
            rows: each row's fields and its answer: a record, or a list of records.
            name: the column that the answer goes to.
            lines: an answer for a person.
        """
        if self._file is not None:
            from bertie.cli.rows import write

            count = write(self._file, ((fields, answer) for _, fields, answer in rows), name)
            click.echo(f"{count} rows in {self._file}", err=True)
        elif output.as_table(self._show_as):
            for text, _, answer in rows:
                click.echo(text)
                for line in lines(answer):
                    click.echo(f"  {line}")
        else:
            from bertie.cli.rows import joined

            for _, fields, answer in rows:
                output.print_json(joined(fields, answer, name), as_read=True)


def writing(function: Command) -> Command:
    """Add the options of what is done with answers; the command gets `out`."""

    @wraps(function)
    def wrapped(*, output_file: Path | None, show_as: str | None, **others: Any) -> None:
        function(out=Out(output_file, show_as), **others)

    return _with(wrapped, options.output_file, options.show_as)
