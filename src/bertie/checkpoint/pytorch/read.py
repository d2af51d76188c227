"""One file of torch.save: a state_dict's tensors, mapped where they lie."""

import mmap
from collections.abc import Callable, Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.pytorch.archive import SIGNATURE
from bertie.checkpoint.pytorch.layouts import Saved, read_archive, read_legacy
from bertie.checkpoint.pytorch.storages import StoredTensor, map_tensor
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError
from bertie.system import advice

# What trainers call the state_dict where they save other things beside it.
_NESTED = ("state_dict", "model_state_dict", "model", "module")
_PROTO = b"\x80"
# The archive of torch's first year has its format's name here.
_TAR = (257, b"ustar")


def read_pytorch(path: Path) -> dict[str, Tensor]:
    """Map one file that torch.save wrote, in its zip layout or the older one.

    What the file pickles is followed only as far as it describes tensors; nothing is run. Each
    CRC-32 of a zip archive is checked; the older layout has none.

    Args:
        path: the file.
    Returns: the tensors of the state_dict by their names in it, in its order; tied tensors share
        their data.
    Raises: CheckpointError: the file is broken, or holds anything that would have to be run.
    """
    try:
        with path.open("rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise CheckpointError(f"{path.name} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path.name} is empty; fetch the file again") from error
    saved = _reader(mapping, path.name)(mapping, path.name)
    tensors = {
        name: map_tensor(name, stored, path.name, mapping, saved.locate(stored.storage))
        for name, stored in _state(saved.value, path.name).items()
    }
    # Checking has brought the whole file into this process's memory.
    advice.forget(mapping, 0, len(mapping))
    return tensors


def _reader(mapping: mmap.mmap, where: str) -> Callable[[mmap.mmap, str], Saved]:
    """Tell the layouts apart."""
    if mapping[: len(SIGNATURE)] == SIGNATURE:
        return read_archive
    if mapping[: len(_PROTO)] == _PROTO:
        return read_legacy
    if mapping[_TAR[0] : _TAR[0] + len(_TAR[1])] == _TAR[1]:
        raise CheckpointError(
            f"{where} is a tar archive as torch wrote them before 2017, which isn't read;"
            " save the model again"
        )
    raise CheckpointError(
        f"{where} begins with {shown(bytes(mapping[:16]))}, which torch.save doesn't write;"
        " fetch the file again"
    )


def _state(value: Any, where: str) -> Mapping[str, StoredTensor]:
    """Find the state_dict: what was saved, or what is under a name that trainers give it."""
    candidates = [value]
    if isinstance(value, dict):
        candidates += [value.get(key) for key in _NESTED]
    for candidate in candidates:
        tensors = _tensors(candidate, where)
        if tensors:
            return tensors
    raise CheckpointError(
        f"{where} holds {_described(value)}, expected tensors by name: save the model's"
        " state_dict()"
    )


def _tensors(value: Any, where: str) -> dict[str, StoredTensor]:
    """Pick a dict's tensors, leaving everything else that it holds."""
    if not isinstance(value, dict):
        return {}
    found = {
        name: item
        for name, item in value.items()
        if isinstance(name, str) and isinstance(item, StoredTensor)
    }
    for name in found:
        if not name.isprintable():
            raise CheckpointError(f"{where}: tensor {name!a}: the name can't be printed")
    return found


def _described(value: Any) -> str:
    """Say what was saved instead of a state_dict."""
    if not isinstance(value, dict):
        return f"a {type(value).__name__}"
    return f"a dict of {', '.join(shown(key) for key in list(value)[:5]) or 'nothing'}"
