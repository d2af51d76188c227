"""Numbers that overflow: told by their results, and looked for layer by layer."""

import numpy as np
from numpy.typing import NDArray

from bertie.engine.encoder import Encoder
from bertie.errors import CheckpointError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def is_finite(rows: Floats) -> bool:
    """Tell whether there is no NaN or infinity: one would never be a label, nor near anything."""
    return bool(np.isfinite(rows).all())


def overflow_error(
    encoder: Encoder,
    batch: tuple[Ints, Ints, Ints],
    attended: Ints | None = None,
    *,
    what: str = "logits",
    after: str = "head",
) -> CheckpointError:
    """Find the first layer with NaN or infinity, going through all of them once more.

    Args:
        encoder: what computed.
        batch: ids (tokens,), type ids (tokens,) and lengths (batch,): its forward pass.
        attended: as Encoder.forward takes it.
        what: has NaN or infinity.
        after: what comes behind the layers, where it begins if it does in none of them.
    Returns: the error to raise, which names the layer.
    """
    ids = batch[0]
    layers = tuple(range(encoder.config.num_hidden_layers + 1))
    hidden = encoder.forward(*batch, layers, attended=attended).reshape(len(ids), len(layers), -1)
    bad = [layer for layer in layers if not is_finite(hidden[:, layer])]
    if not bad:
        where = f"in the {after}"
    elif bad[0] == 0:
        where = "in the embeddings"
    else:
        where = f"in layer {bad[0] - 1} (the first is 0)"
    return CheckpointError(
        f"the {what} are NaN or infinite, which begins {where}: the numbers overflow in"
        f" {encoder.precision}; load the model in float32, or train it again if they do so there"
    )
