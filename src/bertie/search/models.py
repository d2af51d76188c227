"""The models of an index: the one that embeds its rows, and one that ranks what was found."""

from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.errors import TaskError
from bertie.search.settings import IndexSettings

# What load is told again; the rest doesn't change a vector.
_TRANSIENT = ("task", "threads", "budget", "max_memory")


def embedder(model: Any, options: Mapping[str, Any]) -> Any:
    """Load a source to embed; an Embedder is one already."""
    if isinstance(model, (str, Path)):
        from bertie.loading.load import load

        return load(model, task="embed", **options)
    if getattr(model, "task", None) != "embed":
        raise TaskError(
            f"model is for {shown(getattr(model, 'task', model))}, expected one that embeds: "
            "load it with task='embed'"
        )
    return model


def reranker(model: Any) -> Any:
    """Load a source to rank; a Reranker is one already."""
    if isinstance(model, (str, Path)):
        from bertie.loading.load import load

        return load(model, task="rank")
    if getattr(model, "task", None) != "rank":
        raise TaskError(
            f"rerank is a model for {shown(getattr(model, 'task', model))}, expected one that "
            "ranks: load it with task='rank'"
        )
    return model


def settings_of(model: Any, **chosen: Any) -> IndexSettings:
    """What an index is made with."""
    source, options = model.how_loaded()
    lasting = {name: value for name, value in options.items() if value is not None}
    for name in _TRANSIENT:
        lasting.pop(name, None)
    return IndexSettings(
        source=str(source),
        options={name: _plain(value) for name, value in lasting.items()},
        fingerprint=model.fingerprint,
        dimensions=model.dimensions,
        similarity=str(model.info().settings["similarity"].value),
        **chosen,
    )


def _plain(value: Any) -> Any:
    """An option as JSON knows it; a file's name means the same from another directory."""
    if isinstance(value, Path):
        return str(value.absolute())
    return list(value) if isinstance(value, tuple) else value
