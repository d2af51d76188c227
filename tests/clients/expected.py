"""What clients have to be answered, by the library."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bertie.calls.probabilities import sigmoid

Local = Callable[[str], Any]

TEXTS = ["who reads", "the old bridge", "a song of the dog"]
QUERY = "the old song"


def same(found: Any, expected: Any) -> bool:
    """Tell whether vectors are equal to the last bit."""
    return np.array_equal(np.array(found, np.float32), expected)


def ranked(local: Local, texts: Sequence[str] = TEXTS) -> list[tuple[int, float]]:
    """Rank texts for the query: places with scores, best first."""
    logits = local("rank").score([(QUERY, text) for text in texts], raw=True)
    scores = sigmoid(np.array(logits, np.float64))
    return [(int(i), float(scores[i])) for i in np.argsort(-scores, kind="stable")]
