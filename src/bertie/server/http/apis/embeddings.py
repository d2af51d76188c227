"""Embeddings with fewer dimensions than the model's, as a caller may ask for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.engine import pooling
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.scheduling.inference import InferenceResponse


async def embed_inputs(
    context: Context,
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
        Others: as Context.infer.
    Returns: a vector for each input, and what else the service says.
    Raises: RequestError: more dimensions than there are.
    """
    if dimensions is None:
        response = await context.infer("embed", inputs, model=model, normalize=normalize, **options)
        return list(response.answers), response
    await context.tokenizer("embed", model)
    assert context.entry is not None
    width = context.entry.info["dimensions"]
    if dimensions > width:
        raise RequestError(
            "invalid", f"dimensions is {dimensions}, expected 1 to {width}", param="dimensions"
        )
    if normalize is None:
        normalize = bool(context.model_setting("normalize"))
    response = await context.infer("embed", inputs, model=model, normalize=False, **options)
    kept = np.ascontiguousarray(np.stack(response.answers)[:, :dimensions])
    return list(pooling.normalize(kept) if normalize else kept), response
