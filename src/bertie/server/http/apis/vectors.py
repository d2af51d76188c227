"""Embeddings with fewer dimensions than the model's, as a caller may ask for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.engine import pooling
from bertie.server.http.asker import Asker
from bertie.server.http.faults import Refused
from bertie.server.scheduling.inference import InferenceResponse


async def embedded(
    asker: Asker,
    inputs: list[Any],
    *,
    model: str | None = None,
    dimensions: int | None = None,
    normalize: bool | None = None,
    **options: Any,
) -> tuple[list[NDArray[Any]], InferenceResponse]:
    """Embed, and keep the first dimensions as bertie.load(dimensions=…) does.

    Args:
        dimensions: how many; None keeps all.
        normalize: whether vectors have length 1; None is as the model does.
        Others: as Asker.ask.
    Returns: a vector for each input, and what else the service says.
    Raises: Refused: more dimensions than there are.
    """
    if dimensions is None:
        answered = await asker.ask("embed", inputs, model=model, normalize=normalize, **options)
        return list(answered.answers), answered
    await asker.tokenizer("embed", model)
    assert asker.entry is not None
    width = asker.entry.info["dimensions"]
    if dimensions > width:
        raise Refused(
            "invalid", f"dimensions is {dimensions}, expected 1 to {width}", param="dimensions"
        )
    if normalize is None:
        normalize = bool(asker.setting("normalize"))
    answered = await asker.ask("embed", inputs, model=model, normalize=False, **options)
    kept = np.ascontiguousarray(np.stack(answered.answers)[:, :dimensions])
    return list(pooling.normalize(kept) if normalize else kept), answered


def cut_policy(asker: Asker) -> str:
    """Say what becomes of long inputs where the caller says nothing: as auto_truncate has it."""
    return "right" if asker.settings.auto_truncate else "error"
