"""Settings from flags, the environment and a file: the first that says something wins."""

import os
import tomllib
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.errors import InputError
from bertie.loading.load import load
from bertie.server.option import Option, options_of
from bertie.server.settings import GROUPS, ModelSettings, Settings

CONFIG = "BERTIE_CONFIG"

# What may be said of a model beside its source.
MODEL_OPTIONS = tuple(name for name in signature(load).parameters if name != "source")


def resolve_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    models: Mapping[str, ModelSettings] | None = None,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settle everything that the server is told.

    Args:
        flags: values of the command line by option, those alone that were given.
        models: those of the command line; they come before the file's, and stand instead of those
            of the same name.
        file: TOML with a table for each group of settings and [models.NAME] for each model; None
            is what the variable BERTIE_CONFIG names, if it does.
        environ: variables; None is the process's.
    Raises: InputError: the file can't be read or says something unknown; a value that can't be.
    """
    environ = os.environ if environ is None else environ
    flags = dict(flags or {})
    path = file or (Path(environ[CONFIG]) if environ.get(CONFIG) else None)
    tables = {} if path is None else _read(path)
    groups = {
        name: _group(name, group, flags, environ, tables.pop(name, {}), path)
        for name, group in GROUPS.items()
    }
    assert not flags, f"flags that no group declares: {flags}"
    model_tables = tables.pop("models", {})
    if tables:
        raise InputError(
            f"{path} has {', '.join(map(shown, tables))}, expected tables called"
            f" {', '.join(GROUPS)} and models"
        )
    given = models or {}
    others = {
        name: model for name, model in _models(model_tables, path).items() if name not in given
    }
    return Settings(models={**given, **others}, **groups)


def _read(path: Path) -> dict[str, Any]:
    """Read the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}") from error


def _group(
    name: str,
    group: type[Any],
    flags: dict[str, Any],
    environ: Mapping[str, str],
    table: Any,
    path: Path | None,
) -> Any:
    """Settle one group; what it takes of the flags is gone from them."""
    declared = {one.name: one for one in options_of(group)}
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} is {shown(table)}, expected a table")
    unknown = [key for key in table if key not in declared]
    if unknown:
        raise InputError(
            f"{path}: [{name}] has {', '.join(unknown)}, expected some of {', '.join(declared)}"
        )
    values = {}
    for option in declared.values():
        value = _value(option, flags, environ, table, f"{path}: {name}.{option.name}")
        if value is not option.default:
            values[option.name] = value
    return group(**values)


def _value(
    option: Option,
    flags: dict[str, Any],
    environ: Mapping[str, str],
    table: Mapping[str, Any],
    origin: str,
) -> Any:
    """Find the first that says something of an option."""
    if option.name in flags:
        return option.check(flags.pop(option.name), option.flag)
    if option.variable in environ:
        return option.parse(environ[option.variable], option.variable)
    if option.name in table:
        return option.check(table[option.name], origin)
    return option.default


def _models(tables: Any, path: Path | None) -> dict[str, ModelSettings]:
    """Read the models' tables."""
    if not isinstance(tables, dict):
        raise InputError(f"{path}: models is {shown(tables)}, expected tables [models.NAME]")
    return {name: _model(name, table, path) for name, table in tables.items()}


def _model(name: str, table: Any, path: Path | None) -> ModelSettings:
    """Read one model's table."""
    if not isinstance(table, dict) or not isinstance(table.get("source"), str):
        raise InputError(f"{path}: [models.{name}] needs a source, as in source = 'minilm'")
    return ModelSettings(
        table["source"],
        check_options(
            {key: value for key, value in table.items() if key != "source"},
            f"{path}: [models.{name}]",
        ),
    )


def check_options(given: Mapping[str, Any], origin: str) -> Mapping[str, Any]:
    """Refuse options that bertie.load doesn't take, before it says so itself much later."""
    unknown = [key for key in given if key not in MODEL_OPTIONS]
    if unknown:
        known = ", ".join(MODEL_OPTIONS)
        raise InputError(f"{origin} has {', '.join(unknown)}, expected some of source, {known}")
    return given
