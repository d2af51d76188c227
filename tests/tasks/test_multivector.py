"""A vector for each token, as ColBERT defines it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import bertie
from bertie import reference
from bertie.checkpoint import Checkpoint, encoder_tensors
from bertie.errors import CheckpointError, InputError, TaskError, TruncationWarning
from bertie.tasks.multivector import METADATA, MultiVectorEmbedder, maxsim
from tests.editing import edit_json
from tests.tasks.heads import add_projection

TEXTS = ["the old bridge, of stone!", "", "who reads"]


@pytest.fixture
def colbert(bert: Path) -> Path:
    """A tiny BERT with a projection of every token, at random."""
    add_projection(bert)
    return bert


def by_hand(directory: Path, ids: list[int], attended: int) -> np.ndarray:
    """Compute the vectors of a sequence in float64."""
    checkpoint = Checkpoint.open(directory)
    arrays = {name: tensor.float32() for name, tensor in encoder_tensors(checkpoint).items()}
    batch = np.array(ids), np.zeros(len(ids), np.int64), np.array([len(ids)])
    hidden = reference.forward(checkpoint.config, arrays, *batch, np.array([attended]))[-1]
    weight = safetensors.numpy.load_file(directory / "model.safetensors")["linear.weight"]
    rows = hidden @ weight.T
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_query_is_filled_up_with_masks_that_nothing_reads(colbert: Path) -> None:
    model = bertie.load(colbert, precision="float32")
    assert isinstance(model, MultiVectorEmbedder)
    assert model.dimensions == 6
    mask, marker = model.tokenizer.id_of("[MASK]"), model.tokenizer.id_of("[unused0]")
    for text, found in zip(TEXTS, model.embed_multi(TEXTS, kind="query"), strict=True):
        first, *rest = model.tokenizer.encode(text).ids
        ids = [first, marker, *rest]
        filled = ids + [mask] * (12 - len(ids))
        assert found == pytest.approx(by_hand(colbert, filled, len(ids)), abs=1e-4)
    edit_json(colbert / METADATA, attend_to_mask_tokens=True)
    reading = bertie.load(colbert, precision="float32").embed_multi(TEXTS[2], kind="query")
    assert not np.allclose(reading, found, atol=1e-2)


def test_a_document_loses_its_punctuation(colbert: Path) -> None:
    model = bertie.load(colbert, precision="float32")
    marker = model.tokenizer.id_of("song")
    first, *rest = model.tokenizer.encode(TEXTS[0]).ids
    ids = [first, marker, *rest]
    kept = [model.tokenizer.token_of(id) not in ",!" for id in ids]
    assert kept.count(False) == 2
    expected = by_hand(colbert, ids, len(ids))[kept]
    assert model.embed_multi(TEXTS[0]) == pytest.approx(expected, abs=1e-4)
    edit_json(colbert / METADATA, mask_punctuation=False)
    assert len(bertie.load(colbert).embed_multi(TEXTS[0])) == len(ids)


def test_one_text_or_many_give_the_same(colbert: Path) -> None:
    model = bertie.load(colbert, budget=16)
    for kind in ("query", "document"):
        together = model.embed_multi(TEXTS, kind=kind)
        streamed = list(model.embed_multi_stream(TEXTS, kind=kind))
        for text, found, one in zip(TEXTS, together, streamed, strict=True):
            assert np.array_equal(model.embed_multi(text, kind=kind), found)
            assert np.array_equal(one, found)
    assert model.embed_multi([]) == []


def test_documents_are_ranked_token_by_token(colbert: Path) -> None:
    model = bertie.load(colbert)
    query = model.embed_multi("the old", kind="query")
    documents = model.embed_multi(TEXTS)
    scores = [(query @ document.T).max(axis=1).sum() for document in documents]
    found = model.rank_multi("the old", TEXTS)
    assert [one.index for one in found] == np.argsort(scores)[::-1].tolist()
    assert [one.score for one in found] == pytest.approx(sorted(scores, reverse=True), abs=1e-4)
    assert model.rank_multi("the old", TEXTS, top_k=1) == found[:1]
    assert maxsim(query, documents[0][:0]) == 0
    with pytest.raises(InputError, match="expected one width"):
        maxsim(query, documents[0][:, :3])


def test_long_texts_are_cut_to_their_kind(colbert: Path) -> None:
    model = bertie.load(colbert)
    long = "wind and rain " * 30
    for kind, length in (("query", 12), ("document", 30)):
        with pytest.warns(TruncationWarning):
            assert len(model.embed_multi(long, kind=kind)) == length
        with pytest.raises(InputError, match=f"expected at most {length - 1}"):
            model.embed_multi(long, kind=kind, truncate="error")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"query_maxlen": 900}, "query_maxlen is 900, expected 4 to 64"),
        ({"mask_punctuation": 1}, "mask_punctuation is 1, expected bool"),
        ({"doc_token_id": "[unused9]"}, r"document_marker is '\[unused9\]', which the vocabulary"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    colbert: Path, settings: dict[str, Any], message: str
) -> None:
    edit_json(colbert / METADATA, **settings)
    with pytest.raises(CheckpointError, match=message):
        bertie.load(colbert)


def test_a_kind_that_nobody_knows_and_a_checkpoint_without_a_projection(
    colbert: Path, tiny_bert: Path
) -> None:
    with pytest.raises(InputError, match="kind is 'song', expected one of query, document"):
        bertie.load(colbert).embed_multi("a", kind="song")
    with pytest.raises(TaskError, match="task 'multivector' needs a head for multi vector"):
        bertie.load(tiny_bert, task="multivector")
