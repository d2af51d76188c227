"""Changing copies of the fixtures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy


def edit_json(path: Path, **changes: Any) -> None:
    """Change some keys of a JSON object; None takes a key away."""
    raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    raw.update(changes)
    path.write_text(
        json.dumps({key: value for key, value in raw.items() if value is not None}),
        encoding="utf-8",
    )


def edit_tensors(
    directory: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
) -> None:
    """Rewrite a directory's model.safetensors."""
    path = directory / "model.safetensors"
    changed = change(safetensors.numpy.load_file(path))
    safetensors.numpy.save_file(changed, path)
