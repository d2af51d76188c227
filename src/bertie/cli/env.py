"""bertie env"""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from bertie.cli import options, output

if TYPE_CHECKING:
    from bertie.environment import Environment
    from bertie.sources.cached_models import CachedModel

_WIDTH = 80  # of lists of words


@options.command("env")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as --as jsonl does.")
@options.show_as
@click.pass_context
def command(context: click.Context, as_json: bool, show_as: str | None) -> None:
    """Say what Bertie runs on here: what to put into a bug report.

    Versions, the system, the CPU and what is computed with on it, the variables that change
    something, the cache. No model is loaded and nothing touches the network. Tokens, keys and
    passwords are left out. Where something is broken, the rest is said and the exit code is 1.
    """
    from bertie.environment import describe

    environment = describe()
    if as_json or not output.as_table(show_as):
        output.print_json(environment.to_dict())
    else:
        for fault in environment.faults:
            click.echo(f"broken: {fault}")
        output.print_record(dict(_rows(environment)))
    context.exit(1 if environment.faults else 0)


def _rows(env: "Environment") -> Iterator[tuple[str, Any]]:
    """Name and give what a person wants to know."""
    yield "bertie", f"{env.bertie or 'not installed, run from its sources'}, in {env.directory}"
    python = env.python
    yield "python", f"{python.implementation} {python.version}, {python.executable}"
    there = [f"{one.name}=={one.version}" for one in env.packages if one.version is not None]
    yield "packages", _wrapped(there)
    missing = [one.name for one in env.packages if one.version is None]
    yield "not installed", _wrapped(missing)
    yield "system", ", ".join(filter(None, (env.system.distribution, env.system.platform)))
    yield "libc", env.system.libc
    yield "memory", _size(env.system.memory)
    yield "cpu", f"{env.cpu.name} ({env.system.machine})"
    yield "cpu has", _wrapped(env.cpu.features)
    yield "cores", _cores(env)
    if env.core is not None:
        yield "core built by", env.core.compiler
        yield "built for", env.core.built_isas
        yield "of these found", env.core.found_isas
    if env.choice is not None:
        yield "chosen", env.choice.isa
        yield "auto is", f"{env.choice.auto.value} ({env.choice.auto.origin})"
    yield "variables", {name: _line(value) for name, value in env.variables.items()}
    yield "offline", "unknown" if env.offline is None else env.offline
    yield "cache", f"{env.cache.directory or 'none'}, {_size(env.cache.bytes)}"
    yield "models in it", [_model(one) for one in env.cache.models]


def _wrapped(words: Iterable[str]) -> list[str]:
    """Words as lines of a screen."""
    return wrap(", ".join(words), _WIDTH, break_on_hyphens=False)


def _model(model: "CachedModel") -> str:
    """Name a model, its size, and whether it is whole."""
    state = f"damaged: {'; '.join(model.damage)}" if model.damage else "whole"
    return _line(f"{model.source or model.key}, {_size(model.bytes)}, {state}")


def _cores(env: "Environment") -> str:
    """Say how many cores there are, and why not all of them are used."""
    cpu = env.cpu
    if cpu.cores is None:
        return f"{cpu.machine_cores or 'unknown'} in the machine"
    quota = f"a quota of {cpu.quota_cores}" if cpu.quota_cores else "no quota"
    return (
        f"{cpu.cores} used: {cpu.affinity_cores} of the machine's {cpu.machine_cores} by affinity,"
        f" {quota}"
    )


def _size(size: int | None) -> str:
    """A number of bytes for a person."""
    if size is None:
        return "unknown"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _line(value: str) -> str:
    """A value on one line."""
    return value if value.isprintable() else repr(value)
