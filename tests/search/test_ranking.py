"""The best rows, exactly and in a fixed order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bertie.search import cosine_scores, top_k


@given(
    arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0])),
    st.integers(0, 70),
)
def test_the_best_come_first_and_of_equal_ones_the_earlier(
    scores: np.ndarray[tuple[int], np.dtype[np.float32]], k: int
) -> None:
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:k]
    assert top_k(scores, k).tolist() == expected


@given(st.integers(1, 70), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_equal_rows_have_equal_scores_wherever_they_stand(rows: int, dim: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    row = random.standard_normal(dim).astype(np.float32)
    matrix = random.standard_normal((rows, dim)).astype(np.float32)
    places = random.integers(0, rows, size=max(1, rows // 2))
    matrix[places] = row
    query = random.standard_normal(dim).astype(np.float32)
    assert len(set(cosine_scores(matrix, query)[places].tolist())) == 1


def test_scores_are_the_products_with_the_query() -> None:
    random = np.random.default_rng(0)
    matrix = random.standard_normal((50, 384)).astype(np.float32)
    query = random.standard_normal(384).astype(np.float32)
    expected = matrix.astype(np.float64) @ query.astype(np.float64)
    assert cosine_scores(matrix, query) == pytest.approx(expected, abs=1e-4)
