"""The model that a command runs: here, fetched with a progress bar, or on a server."""

from typing import Any

from bertie.cli.progress import ProgressBar
from bertie.sources import resolve


def load_model(source: str, task: str | None, **options: Any) -> Any:
    """Load a model for a task, or for what it was made for, as its class.

    Args:
        source, task, options: as for bertie.load.
    """
    with ProgressBar("B") as bar:
        resolve(source, progress=bar.update)
    from bertie.loading.load import load

    return load(source, task=task, **options)


def connect(url: str, model: str | None) -> Any:
    """Open a client, which has the methods of every task's models.

    Args:
        url: the server's root.
        model: a name there; None takes the server's default for the task.
    """
    from bertie.client import Client

    return Client(url, model=model)
