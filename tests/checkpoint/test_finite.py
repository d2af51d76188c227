"""Values that are no numbers are refused, and large ones aren't."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.tensor import Tensor
from bertie.engine.encoder import PRECISIONS
from bertie.errors import CheckpointError
from tests.editing import edit_tensors

TO_BITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "F32": lambda values: values.astype("<f4"),
    "F16": lambda values: values.astype("<f2"),
    "BF16": lambda values: (values.astype("<f4").view("<u4") >> 16).astype("<u2"),
    "F64": lambda values: values.astype("<f8"),
}


def tensor(values: np.ndarray, dtype: str) -> Tensor:
    """Make a tensor of a file."""
    data = np.frombuffer(TO_BITS[dtype](values).tobytes(), np.uint8)
    return Tensor("x", dtype, values.shape, data, "a.safetensors")


@pytest.mark.parametrize("dtype", TO_BITS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 41, 99])
def test_one_bad_value_is_found_in_every_type(dtype: str, bad: float, place: int) -> None:
    values = np.linspace(-3, 3, 100)
    require_finite([tensor(values, dtype)])
    values[place] = bad
    match = "a.safetensors: values that are NaN or infinite as float32: tensor x has 1 of 100;"
    with pytest.raises(CheckpointError, match=match):
        require_finite([tensor(np.ones(3), dtype), tensor(values, dtype)])


def test_values_whose_squares_overflow_are_fine() -> None:
    for dtype in ("F32", "BF16", "F64"):
        require_finite([tensor(np.array([3e38, -3e38, 1e-40]), dtype)])


def test_a_value_beyond_float32_is_refused() -> None:
    with pytest.raises(CheckpointError, match="tensor x has 1 of 2;"):
        require_finite([tensor(np.array([1e300, 1]), "F64")])


def test_only_the_first_few_are_named() -> None:
    bad = tensor(np.array([np.nan, np.nan]), "F32")
    with pytest.raises(CheckpointError, match=r"(tensor x has 2 of 2; ){5}and 2 more tensors;"):
        require_finite([bad] * 7)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "name", ["encoder.layer.1.output.dense.weight", "embeddings.word_embeddings.weight"]
)
def test_a_model_with_a_bad_weight_does_not_load(bert: Path, precision: str, name: str) -> None:
    def damage(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = next(key for key in tensors if key.endswith(name))
        tensors[found][3, 5] = np.nan
        return tensors

    edit_tensors(bert, damage)
    with pytest.raises(CheckpointError, match=rf"tensor \S*{name} has 1 of \d+"):
        bertie.load(bert, precision=precision)


def test_a_bad_weight_that_is_not_used_does_no_harm(bert: Path) -> None:
    def damage(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = next(key for key in tensors if "pooler" in key)
        tensors[found].flat[0] = np.inf
        return tensors

    edit_tensors(bert, damage)
    assert np.isfinite(bertie.load(bert).embed("the river")).all()


@pytest.mark.parametrize("dtype", TO_BITS)
def test_what_lies_between_the_elements_of_a_strided_tensor_is_not_its_fault(dtype: str) -> None:
    values = np.array([1, np.nan, 2, np.inf, 3])
    data = np.frombuffer(TO_BITS[dtype](values).tobytes(), np.uint8)
    require_finite([Tensor("x", dtype, (3,), data, "a.bin", strides=(2,))])
    with pytest.raises(CheckpointError, match="tensor x has 1 of 2"):
        require_finite([Tensor("x", dtype, (2,), data, "a.bin", strides=(3,))])
