"""Weights in one file, or in several with an index that names the shard of each tensor."""

from collections.abc import Callable
from pathlib import Path
from reprlib import repr as shown

from bertie.checkpoint.files import read_object, resolve_inside
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError


def find_shards(directory: Path, single: str, index: str) -> tuple[Path, ...] | None:
    """Find a directory's file of weights, or its index and then the shards.

    Args:
        directory: the checkpoint's.
        single: what one file of everything is called; it wins over an index.
        index: what the index is called.
    Returns: the files, or None where there is neither.
    Raises: CheckpointError: the index is broken or leads out of the directory, or a shard is
        missing.
    """
    if (directory / single).is_file():
        return (directory / single,)
    if not (directory / index).is_file():
        return None
    shards = dict.fromkeys(_weight_map(directory / index).values())
    missing = [path.name for path in shards if not path.is_file()]
    if missing:
        raise CheckpointError(
            f"{index} names {', '.join(missing)}, but {directory} has no such file;"
            " fetch the model again"
        )
    return (directory / index, *shards)


def read_shards(
    files: tuple[Path, ...], read: Callable[[Path], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Map every tensor of the files that find_shards found, by the files' own names.

    Args:
        files: one file of everything, or an index and its shards.
        read: what reads one file.
    Raises: CheckpointError: as read does, or a tensor isn't in the shard that the index names.
    """
    first, *_ = files
    if first.suffix != ".json":
        return read(first)
    places = _weight_map(first)
    shards = {path: read(path) for path in dict.fromkeys(places.values())}
    missing = [name for name, path in places.items() if name not in shards[path]]
    if missing:
        listed = ", ".join(f"{name} in {places[name].name}" for name in missing)
        raise CheckpointError(f"{first.name} names tensors that aren't there: {listed}")
    return {name: shards[path][name] for name, path in places.items()}


def _weight_map(index: Path) -> dict[str, Path]:
    """Read an index: the shard of each tensor."""
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(
            f"{index.name}: weight_map is {shown(places)}, expected file names by tensor"
        )
    return {name: resolve_inside(index.parent, file, index.name) for name, file in places.items()}
