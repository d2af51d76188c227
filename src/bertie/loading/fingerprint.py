"""Fingerprints: one hash over everything that determines a model's vectors.

Vectors of different fingerprints don't mix. What a file looks like doesn't count, only what it
means: names are canonical, numbers are float32, and origins of settings are left out.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import ACTIVATIONS
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError
from bertie.loading.spec import ModelSpec
from bertie.sources import cache_directory
from bertie.tokenize import Tokenizer

# Changes when what is hashed changes, so that older cached hashes aren't found.
_RECIPE = "bertie-2"


def model_fingerprint(spec: ModelSpec) -> str:
    """Hash a model as it is settled.

    Args:
        spec: its files, its settings, and how it computes.
    Returns, Raises: as fingerprint.
    """
    opened = spec.opened
    return fingerprint(
        spec.used,
        opened.tokenizer,
        _settings(spec),
        [*opened.checkpoint.files, *opened.layout.files],
        opened.bundle.hashes if opened.bundle else None,
    )


def _settings(spec: ModelSpec) -> dict[str, Any]:
    """Collect everything but tensors and tokenizer that changes a result."""
    config, settled = spec.opened.config, spec.settled
    hashed = {
        **{name: getattr(config, name) for name in config.origins},
        **{name: setting.value for name, setting in spec.prepared.settings.items()},
        **spec.prepared.recipe,
        "hidden_act": ACTIVATIONS[config.hidden_act],
        "precision": settled.precision.value,
        "task": settled.task.name,
        "truncate": "right",
    }
    if spec.quantization is not None:
        hashed["quantization"] = spec.quantization
    return hashed


def fingerprint(
    tensors: Mapping[str, Tensor],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    files: Iterable[Path],
    known: Mapping[str, str] | None = None,
) -> str:
    """Hash a model.

    Args:
        tensors: all that are used, by canonical name.
        tokenizer: what makes token ids.
        settings: everything else that changes a vector, as JSON knows it.
        files: those that hold the tensors; while their paths, sizes and times stay as they are,
            the tensors' hash is remembered.
        known: hashes of tensors as hash_tensor gives them, by name, for tensors whose float32
            values are gone.
    Returns: SHA-256 in hexadecimal.
    Raises: CheckpointError: one of the files isn't there any more.
    """
    parts = {
        "recipe": _RECIPE,
        "tensors": hash_tensors(tensors, known) if known else remembered_hash(tensors, files),
        "tokenizer": tokenizer.identity(),
        "settings": settings,
    }
    return _hash_json(parts)


def hash_tensors(tensors: Mapping[str, Tensor], known: Mapping[str, str] | None = None) -> str:
    """Hash tensors as float32 under their names, in the names' order.

    Args:
        tensors: by name.
        known: the hashes of some of them.
    """
    known = known or {}
    digest = hashlib.sha256()
    for name in sorted(tensors):
        found = known.get(name) or hash_tensor(name, tensors[name].float32())
        digest.update(f"{found} {json.dumps(name)}\n".encode())
        tensors[name].forget()
    return digest.hexdigest()


def hash_tensor(name: str, values: NDArray[np.float32]) -> str:
    """Hash one tensor's name, shape and float32 values."""
    digest = hashlib.sha256(json.dumps([name, values.shape]).encode())
    digest.update(np.ascontiguousarray(values, "<f4").data)
    return digest.hexdigest()


def _hash_json(value: Any) -> str:
    """Hash JSON in one spelling: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def remembered_hash(tensors: Mapping[str, Tensor], files: Iterable[Path]) -> str:
    """Hash tensors as hash_tensors does, or recall the hash from when their files were hashed.

    Args:
        tensors: by name.
        files: those that hold them.
    Raises: CheckpointError: one of the files isn't there any more.
    """
    stats = [(str(path.resolve()), _stat(path)) for path in files]
    seen = [[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats]
    key = _hash_json({"recipe": _RECIPE, "files": seen, "names": sorted(tensors)})
    path = cache_directory() / "fingerprints" / key
    with suppress(OSError):
        known: str = path.read_text(encoding="ascii")
        if len(known) == 64:
            return known
    found = hash_tensors(tensors)
    # A cache that can't be written costs time, nothing else.
    with suppress(OSError):
        _write(path, found)
    return found


def _stat(path: Path) -> os.stat_result:
    """Look at a file that was there when its model was loaded."""
    try:
        return path.stat()
    except OSError as error:
        raise CheckpointError(
            f"{path} was there when the model was loaded, and now can't be looked at"
            f" ({error.strerror}), so that its tensors can't be told from others: put the same file"
            " back, or load the model again from where it is now"
        ) from error


def _write(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
