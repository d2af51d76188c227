"""Sparse vectors are the largest logits of the vocabulary over a text."""

from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.errors import CheckpointError, InputError, TaskError
from bertie.tasks.sparse import SparseEmbedder
from tests.tasks.heads import as_sparse_encoder, with_stored_weights
from tests.tasks.test_fill import chances

TEXTS = ["the old bridge of stone", "", "who reads the book"]


@pytest.fixture
def model(filler: Path) -> SparseEmbedder:
    """A tiny BERT with a head for masked words, at random."""
    loaded = bertie.load(filler, task="sparse", precision="float32")
    assert isinstance(loaded, SparseEmbedder)
    return loaded


def test_weights_are_logarithms_of_the_largest_logits(
    model: SparseEmbedder,
    filler: Path,
) -> None:
    masked = bertie.load(filler, task="fill", precision="float32")
    for text, found in zip(TEXTS, model.embed_sparse(TEXTS), strict=True):
        encoded = model.tokenizer.encode(text)
        hidden = model.encoder.forward(
            np.array(encoded.ids, np.int32),
            np.array(encoded.type_ids, np.int32),
            np.array([len(encoded.ids)], np.int32),
        )
        logits = masked._head.logits(hidden).max(axis=0)
        # The head's logits are those of the reference, a constant for each token aside.
        rows = chances(filler, encoded.ids)
        assert np.abs(np.diff(masked._head.logits(hidden)) - np.diff(rows)).max() < 1e-3
        assert found.indices.tolist() == np.flatnonzero(logits > 0).tolist()
        assert found.weights == pytest.approx(np.log1p(logits[logits > 0]), abs=1e-6)


@pytest.mark.filterwarnings("ignore::bertie.errors.TruncationWarning")
def test_vectors_are_those_of_sentence_transformers(filler: Path) -> None:
    stored = with_stored_weights(filler, "sparse")
    model = bertie.load(filler, task="sparse", precision="float32")
    found = model.embed_sparse([str(text) for text in stored["texts"]])
    for vector, expected in zip(found, stored["vectors"], strict=True):
        assert vector.indices.tolist() == np.flatnonzero(expected).tolist()
        assert np.abs(vector.weights - expected[vector.indices]).max() < 1e-5


def test_one_text_or_many_give_the_same(model: SparseEmbedder) -> None:
    together = [one.to_dict() for one in model.embed_sparse(TEXTS)]
    assert [model.embed_sparse(text).to_dict() for text in TEXTS] == together
    assert [one.to_dict() for one in model.embed_sparse_stream(TEXTS)] == together
    assert model.embed_sparse([]) == []


def test_the_largest_weights_can_be_kept_alone(model: SparseEmbedder) -> None:
    whole, kept = model.embed_sparse(TEXTS[0]), model.embed_sparse(TEXTS[0], top_k=3)
    assert len(kept.indices) == 3
    assert sorted(kept.weights)[::-1] == sorted(whole.weights)[::-1][:3]
    assert (np.diff(kept.indices) > 0).all()
    tokens = model.tokens(kept)
    assert [weight for _, weight in tokens] == sorted(kept.weights.tolist())[::-1]
    assert all(model.tokenizer.id_of(token) in kept.indices for token, _ in tokens)
    assert len(model.embed_sparse(TEXTS[0], top_k=0).indices) == 0
    with pytest.raises(InputError, match="top_k is -1"):
        model.embed_sparse(TEXTS, top_k=-1)


def test_windows_of_a_long_text_give_their_largest_weights(model: SparseEmbedder) -> None:
    long = "wind and rain by the river " * 30
    found = model.embed_sparse(long, truncate="window")
    windows = model.tokenizer.windows(long, max_length=64, stride=16)
    dense = np.zeros(model.dimensions, np.float32)
    for window in windows:
        text = long[window.offsets[1][0] : window.offsets[-2][1]]
        part = model.embed_sparse(text)
        dense[part.indices] = np.maximum(dense[part.indices], part.weights)
    assert found.indices.tolist() == np.flatnonzero(dense).tolist()
    assert found.weights == pytest.approx(dense[dense > 0], abs=1e-5)


def test_vectors_become_one_sparse_matrix(model: SparseEmbedder) -> None:
    pytest.importorskip("scipy", reason="SciPy isn't installed")
    vectors = model.embed_sparse(TEXTS)
    matrix = model.csr(vectors)
    assert matrix.shape == (3, model.dimensions)
    for row, vector in zip(matrix.toarray(), vectors, strict=True):
        assert np.flatnonzero(row).tolist() == vector.indices.tolist()
        assert row[vector.indices].tolist() == vector.weights.tolist()
    assert model.csr([]).shape == (0, model.dimensions)


def test_a_checkpoint_without_a_vocabulary_head_is_refused(bert: Path) -> None:
    with pytest.raises(TaskError, match="task 'sparse' needs a head for masked lm"):
        bertie.load(bert, task="sparse")


def test_sentence_transformers_files_say_that_vectors_are_sparse(
    model: SparseEmbedder,
    filler: Path,
) -> None:
    expected = model.embed_sparse(TEXTS)
    as_sparse_encoder(filler, activation_function="relu")
    loaded = bertie.load(filler, precision="float32")
    assert isinstance(loaded, SparseEmbedder)
    for found, same in zip(loaded.embed_sparse(TEXTS), expected, strict=True):
        assert found.to_dict() == same.to_dict()
    as_sparse_encoder(filler, activation_function="log1p_relu")
    for found, once in zip(
        bertie.load(filler, precision="float32").embed_sparse(TEXTS), expected, strict=True
    ):
        assert found.indices.tolist() == once.indices.tolist()
        assert found.weights == pytest.approx(np.log1p(once.weights), rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pooling_strategy": "sum"}, "pooling_strategy is 'sum', which adds"),
        ({"activation_function": "tanh"}, "is 'tanh'; supported: relu, log1p_relu"),
    ],
)
def test_weights_that_come_about_otherwise_are_refused(
    filler: Path,
    settings: dict[str, str],
    said: str,
) -> None:
    as_sparse_encoder(filler, **settings)
    with pytest.raises(CheckpointError, match=said):
        bertie.load(filler)
