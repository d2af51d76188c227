"""Vectors laid out in two dimensions."""

import numpy as np
import pytest

from bertie.errors import ExtraMissing, InputError
from bertie.search import projection


def test_the_widest_directions_are_drawn() -> None:
    random = np.random.default_rng(0)
    flat = random.standard_normal((50, 2)) * [5, 2]
    directions = np.linalg.qr(random.standard_normal((6, 2)))[0]
    places = projection.pca((flat @ directions.T + 3).astype(np.float32))
    flat -= flat.mean(axis=0)
    assert places.shape == (50, 2)
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert distances == pytest.approx(np.linalg.norm(flat[:, None] - flat[None], axis=-1), abs=1e-4)
    assert np.ptp(places[:, 0]) > np.ptp(places[:, 1])


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (2, 5), (3, 1)])
def test_few_vectors_have_places_too(shape: tuple[int, int]) -> None:
    places = projection.pca(np.ones(shape, np.float32))
    assert places.shape == (shape[0], 2)
    assert np.isfinite(places).all()


def test_umap_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.eye(3, dtype=np.float32)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert projection.project(vectors)[1] == "pca"
    with pytest.raises(ExtraMissing, match="pip install umap-learn"):
        projection.project(vectors, "umap")
    with pytest.raises(InputError, match="method is 'tsne', expected auto, pca, umap"):
        projection.project(vectors, "tsne")


def test_umap_keeps_neighbours_together() -> None:
    pytest.importorskip("umap")
    random = np.random.default_rng(0)
    centres = np.repeat(np.eye(2, 8, dtype=np.float32), 40, axis=0)
    vectors = centres + 0.05 * random.standard_normal(centres.shape, np.float32)
    places, method = projection.project(vectors, "umap")
    assert (places.shape, places.dtype, method) == ((80, 2), np.float32, "umap")
    sides = places.reshape(2, 40, 2)
    middles = sides.mean(axis=1, keepdims=True)
    spread = np.linalg.norm(sides - middles, axis=-1).mean()
    assert np.linalg.norm(middles[0] - middles[1]) > spread
    assert projection.project(vectors[:3], "umap")[0].shape == (3, 2)
