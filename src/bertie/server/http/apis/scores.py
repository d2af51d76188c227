"""Scores of documents for a query, as servers give them: sigmoids unless raw."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertie.calls.probabilities import sigmoid
from bertie.server.http.context import Context


async def score_documents(
    context: Context,
    query: str,
    documents: Sequence[str],
    *,
    model: str | None = None,
    raw: bool = False,
    truncate: str | None = None,
) -> NDArray[np.float64]:
    """Score documents.

    Args:
        raw: whether scores are the head's logits; otherwise they are sigmoids of those, whatever
            activation the checkpoint names for the library.
        Others: as Context.infer.
    Returns: (documents,) float64.
    """
    pairs = [(query, document) for document in documents]
    response = await context.infer("score", pairs, model=model, raw=True, truncate=truncate)
    logits = np.array(response.answers, np.float64)
    return logits if raw else sigmoid(logits)


def best_first(scores: NDArray[np.float64], top: int | None = None) -> list[int]:
    """Order documents by their scores; equal ones stay in the order given."""
    order: list[int] = np.argsort(-scores, kind="stable")[:top].tolist()
    return order
