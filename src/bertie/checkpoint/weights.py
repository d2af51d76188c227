"""A directory's weights: one safetensors file, or several with an index."""

from pathlib import Path
from reprlib import repr as shown

from bertie.checkpoint.files import inside, read_object
from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError, SourceError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

# Weights that other frameworks wrote and that this version doesn't read.
_OTHERS = (
    "pytorch_model*.bin*",
    "*.ckpt*",
    "saved_model.pb",
    "tf_model*.h5*",
    "flax_model*.msgpack*",
    "*.onnx",
    "*.gguf",
)


def weight_files(directory: Path) -> tuple[Path, ...]:
    """Find the files that hold the weights, an index before its shards.

    Raises: SourceError: there are none.
    Raises: CheckpointError: there are only weights that this version doesn't read, the index is
        broken or leads out of the directory, or a shard is missing.
    """
    if (directory / SINGLE).is_file():
        return (directory / SINGLE,)
    if (directory / INDEX).is_file():
        shards = dict.fromkeys(_weight_map(directory / INDEX).values())
        missing = [path.name for path in shards if not path.is_file()]
        if missing:
            raise CheckpointError(
                f"{INDEX} names {', '.join(missing)}, but {directory} has no such file;"
                " fetch the model again"
            )
        return (directory / INDEX, *shards)
    others = sorted({p.name for pattern in _OTHERS for p in directory.glob(pattern)})
    if others:
        raise CheckpointError(
            f"{directory} has its weights in {', '.join(others)}, but this version reads"
            f" {SINGLE} only: save the model as safetensors"
        )
    raise SourceError(f"{directory} has no weights: expected {SINGLE} or {INDEX}")


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Map every tensor of a directory, by the files' own names.

    Raises: SourceError, CheckpointError: as weight_files and read_safetensors do, or a tensor
        is not in the shard that the index names.
    """
    first, *shards = weight_files(directory)
    if not shards and first.name == SINGLE:
        return read_safetensors(first)
    read = {path: read_safetensors(path) for path in shards}
    places = _weight_map(first)
    missing = [name for name, path in places.items() if name not in read[path]]
    if missing:
        listed = ", ".join(f"{name} in {places[name].name}" for name in missing)
        raise CheckpointError(f"{INDEX} names tensors that aren't there: {listed}")
    return {name: read[path][name] for name, path in places.items()}


def _weight_map(index: Path) -> dict[str, Path]:
    """Read an index: the shard of each tensor."""
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(
            f"{index.name}: weight_map is {shown(places)}, expected file names by tensor"
        )
    return {name: inside(index.parent, file, index.name) for name, file in places.items()}
