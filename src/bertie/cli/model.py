"""The model that a command runs, fetched with a progress bar where it isn't here yet."""

from typing import Any

from bertie.cli.progress import Bar
from bertie.sources import resolve


def load_model(source: str, task: str | None, **options: Any) -> Any:
    """Load a model for a task, or for what it was made for, as its class.

    Args:
        source, task, options: as for bertie.load.
    """
    with Bar("B") as bar:
        resolve(source, progress=bar.update)
    from bertie.load import load

    return load(source, task=task, **options)
