"""Which release of Bertie this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def release() -> str:
    """Give the version; "unknown" where Bertie runs without being installed."""
    try:
        return version("bertie")
    except PackageNotFoundError:
        return "unknown"
