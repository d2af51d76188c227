"""One server for every head, that speaks what clients already speak."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertie.server.process import run as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    if name != "run":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bertie.server.process import run

    return run
