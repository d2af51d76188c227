"""Running what the ONNX writer wrote."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bertie.export.onnx_file import write_model
from bertie.export.onnx_net import Net


def run(
    net: Net, path: Path, outputs: Sequence[str], feed: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """Write a graph and run it in onnxruntime, with as much of the feed as it takes."""
    runtime = pytest.importorskip("onnxruntime")
    write_model(net, path, "0")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = {given.name for given in session.get_inputs()}
    found: list[np.ndarray] = session.run(outputs, {name: feed[name] for name in wanted})
    return found


def padded(packed: dict[str, np.ndarray], pad: int = 0) -> dict[str, np.ndarray]:
    """Lay packed ids, type_ids and lengths out with padding."""
    lengths = packed["lengths"]
    token = np.arange(lengths.max()) < lengths[:, None]
    feed = {"attention_mask": token.astype(np.int64)}
    for name, key, fill in (("input_ids", "ids", pad), ("token_type_ids", "type_ids", 0)):
        feed[name] = np.full(token.shape, fill, np.int64)
        feed[name][token] = packed[key]
    return feed
