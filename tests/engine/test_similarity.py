"""Similarities against their definitions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import bertie
from bertie.engine.similarity import SIMILARITIES, pairwise, similarity
from bertie.errors import InputError

NUMBERS = st.floats(-9, 9, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)


def matrices(rows: int) -> st.SearchStrategy[np.ndarray]:
    """Vectors of three dimensions."""
    return arrays.arrays(np.float32, (rows, 3), elements=NUMBERS)


def by_hand(a: np.ndarray, b: np.ndarray, by: str) -> float:
    """Compare two vectors in float64."""
    a, b = a.astype(float), b.astype(float)
    if by == "cosine":
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / lengths) if lengths else 0.0
    return float(
        {"dot": a @ b, "euclid": -np.linalg.norm(a - b), "manhattan": -np.abs(a - b).sum()}[by]
    )


@pytest.mark.parametrize("by", SIMILARITIES)
@given(matrices(70), matrices(4))
def test_every_vector_is_compared_with_every_other(by: str, a: np.ndarray, b: np.ndarray) -> None:
    found = similarity(a, b, by)
    assert found.shape == (70, 4)
    expected = [[by_hand(one, other, by) for other in b] for one in a]
    assert found == pytest.approx(np.array(expected), abs=1e-3, rel=1e-5)
    assert pairwise(a[:4], b, by) == pytest.approx(np.diag(expected[:4]), abs=1e-3, rel=1e-5)


def test_one_vector_is_a_matrix_of_one_row() -> None:
    one = np.array([3, 4], np.float32)
    assert similarity(one, one, "dot").tolist() == [[25]]
    assert pairwise(one, one).tolist() == [pytest.approx(1)]


def test_unlike_shapes_and_measures_are_refused() -> None:
    a, b = np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32)
    with pytest.raises(InputError, match="a has 2 vectors and b 3, expected as many"):
        pairwise(a, b)
    with pytest.raises(InputError, match=r"a is \(2, 3\) and b is \(3, 2\), expected vectors of"):
        similarity(a, b[:, :2])
    with pytest.raises(InputError, match="by is 'hamming', expected one of cosine, dot"):
        similarity(a, b, "hamming")


@pytest.mark.parametrize(
    "odd", ["ab", ["1", "2"], [None], [[True]], [[1j]], [[1, 2], [1]], {"a": 1}, b"ab"]
)
@pytest.mark.parametrize("compare", [similarity, pairwise])
def test_what_is_no_vector_is_refused(compare: Any, odd: Any) -> None:
    with pytest.raises(InputError, match=r"a is .*, expected vectors of"):
        compare(odd, odd)
    with pytest.raises(InputError, match=r"b is .*, expected vectors of"):
        compare([[1.0]], odd)


def test_bits_are_not_compared_as_numbers(tiny_bert: Path) -> None:
    model: Any = bertie.load(tiny_bert, task="embed", precision="float32")
    for output in ("binary", "ubinary"):
        bits = model.embed(["a song", "the sea"], output=output)
        for compare in (model.similarity, model.pairwise):
            with pytest.raises(InputError, match="24 bits in 3 bytes, expected numbers"):
                compare(bits, bits)
    vectors = model.embed(["a song", "the sea"])
    assert model.similarity(vectors[:, :3], vectors[:, :3].tolist()).shape == (2, 2)
