"""bertie serve"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bertie.cli import options
from bertie.errors import InputError
from bertie.server.option import Option, options_of
from bertie.server.settings import GROUPS, ModelSettings

_WORDS = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def _read(option: Option) -> Callable[..., Any]:
    """Make what turns an option's word into its value; where nothing was said it stays None."""

    def read(_: click.Context, __: click.Parameter, word: Any) -> Any:
        if word is None or isinstance(word, bool):
            return word
        try:
            return option.parse(word, option.flag)
        except InputError as error:
            raise click.BadParameter(str(error)) from error

    return read


def _help(option: Option) -> str:
    """Say what an option does, what holds without it, and its variable."""
    default = option.default
    shown = ", ".join(map(str, default)) if option.multiple else str(default)
    if option.kind is bool:
        shown = "yes" if default else "no"
    stated = "" if default is None or default == () else f"default: {shown}; "
    return f"{option.help}  [{stated}{option.variable}]"


def _click_option(option: Option) -> Callable[[Any], Any]:
    """Make the command line's option of one that the settings declare."""
    flag = f"{option.flag}/--no-{option.flag[2:]}" if option.kind is bool else option.flag
    word = "|".join(option.choices) or (option.unit or _WORDS.get(option.kind, "")).upper()
    return click.option(
        flag,
        option.name,
        default=None,
        metavar=f"{word},…" if option.multiple else word,
        callback=_read(option),
        help=_help(option),
    )


def _settings(function: Callable[..., None]) -> Callable[..., None]:
    """Add every setting of the server; the command gets those given as a dict, `flags`."""
    every = [option for group in GROUPS.values() for option in options_of(group)]

    @wraps(function)
    def collected(**values: Any) -> None:
        given = {option.name: values.pop(option.name) for option in every}
        function(flags={n: v for n, v in given.items() if v is not None}, **values)

    decorated: Callable[..., None] = collected
    for option in reversed(every):
        decorated = _click_option(option)(decorated)
    return decorated


def _named(models: tuple[str, ...], **given: Any) -> dict[str, ModelSettings]:
    """Name models: as the caller does, by NAME=SOURCE, else by their directory or id."""
    stated = {name: value for name, value in given.items() if value is not None}
    named: dict[str, ModelSettings] = {}
    for word in models:
        name, separator, source = word.partition("=")
        if not separator or "/" in name or ":" in name:  # a source may have an = of its own
            name, source = _own_name(word), word
        if not name or not source:
            raise click.BadParameter(f"{word!r} is neither a source nor NAME=SOURCE")
        if name in named:
            raise click.BadParameter(f"two models are called {name!r}: name them, NAME=SOURCE")
        named[name] = ModelSettings(source, stated)
    return named


def _own_name(source: str) -> str:
    """The name of a model that has been given none."""
    path = Path(source)
    return path.resolve().name if path.exists() else source.partition("@")[0]


@options.command("serve")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A TOML file of settings and models.  [BERTIE_CONFIG]",
)
@options.task
@options.precision
@options.calibration
@options.max_length
@_settings
def command(
    models: tuple[str, ...],
    config: Path | None,
    task: str | None,
    precision: str,
    calibration: Path | None,
    max_length: int | None,
    flags: dict[str, Any],
) -> None:
    """Serve models over HTTP and gRPC, with a page to try them at /.

    MODEL is a source, or NAME=SOURCE; without any, and none in the file, the default model. Task,
    precision, calibration and length hold for the models given here; in the file each has its own.
    A flag wins over its variable, and that over the file.
    """
    from bertie.server import run
    from bertie.server.configuration import resolve_settings

    named = _named(
        models,
        task=task,
        precision=precision,
        calibration=calibration and str(calibration),
        max_length=max_length,
    )
    settings = resolve_settings(flags, models=named, file=config)
    if not settings.models:
        named = _named(("minilm",), precision=precision)
        settings = resolve_settings(flags, models=named, file=config)
    raise click.exceptions.Exit(run(settings))
