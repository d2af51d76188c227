"""The index that a command works on, opened as the options that were given say."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bertie.cli.option_groups import is_given
from bertie.errors import InputError

if TYPE_CHECKING:
    from bertie.search import Index

directory = click.argument("directory", type=click.Path(path_type=Path))


def open_index(directory: Path, options: dict[str, Any]) -> "Index":
    """Open an index, and refuse options that aren't what it was made with.

    Args:
        options: by name, as commands get them; those that aren't given don't count.
    Raises: InputError: as Index.open; an option that the index was made without.
    """
    from bertie.search import Index

    model = options["source"] if is_given("source") else None
    index = Index.open(directory, model=model, threads=options["threads"])
    settings = index.settings
    made = {
        "precision": settings.precision,
        "max_length": settings.options.get("max_length"),
        "calibration": None,
        "column": settings.column,
        "language": settings.language,
        "first_pass": settings.first_pass,
        "truncate": settings.truncate,
    }
    for name, value in made.items():
        wanted = options.get(name)
        if name in options and is_given(name) and wanted != value and wanted != "auto":
            flag = name.replace("_", "-")
            raise InputError(
                f"--{flag} is {wanted}, but {directory} was made with "
                f"{'another' if value is None else value}: leave it out, or make another index"
            )
    return index
