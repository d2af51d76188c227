"""Find a model by name, and fetch it where it isn't here yet."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertie.sources.bundles import is_bundle as is_bundle
    from bertie.sources.environment import cache_directory as cache_directory
    from bertie.sources.fetching import check as check
    from bertie.sources.fetching import manifest_of as manifest_of
    from bertie.sources.fetching import pull as pull
    from bertie.sources.local import is_local as is_local
    from bertie.sources.resolution import resolve as resolve

_MODULES = {
    "cache_directory": "environment",
    "check": "fetching",
    "is_bundle": "bundles",
    "is_local": "local",
    "manifest_of": "fetching",
    "pull": "fetching",
    "resolve": "resolution",
}

__all__ = ["cache_directory", "check", "is_bundle", "is_local", "manifest_of", "pull", "resolve"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
