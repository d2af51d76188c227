"""The model that a command runs, fetched with a progress bar where it isn't here yet."""

from typing import TYPE_CHECKING, Any

from bertie.cli.progress import Bar
from bertie.sources import resolve

if TYPE_CHECKING:
    from bertie.tasks.embed import Embedder


def load_embedder(source: str, **options: Any) -> "Embedder":
    """Load a model for embedding. Args: options: as for bertie.load."""
    with Bar("B") as bar:
        resolve(source, progress=bar.update)
    from bertie.load import load

    return load(source, task="embed", **options)
