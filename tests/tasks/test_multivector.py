"""A vector for each token, as ColBERT defines it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import bertie
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine import reference
from bertie.errors import CheckpointError, InputError, TaskError, TruncationWarning
from bertie.export.bundle import write_bundle
from bertie.tasks.multivector import METADATA, MultiVectorEmbedder, maxsim
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import as_pylate, with_stored_weights

TEXTS = ["the old bridge, of stone!", "", "who reads"]


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


@pytest.mark.filterwarnings("ignore::bertie.errors.TruncationWarning")
@pytest.mark.parametrize("kind", ["query", "document"])
def test_vectors_are_those_of_sentence_transformers(colbert: Path, kind: str) -> None:
    stored = with_stored_weights(colbert, "multivector")
    model = bertie.load(colbert, precision="float32")
    found = model.embed_multi([str(text) for text in stored["texts"]], kind=kind)
    assert [len(rows) for rows in found] == stored[f"{kind}_tokens"].tolist()
    assert np.abs(np.concatenate(found) - stored[kind]).max() < 1e-5


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


def vectors(model: Any) -> list[list[list[float]]]:
    """Embed the texts as queries and as documents."""
    found = [*model.embed_multi(TEXTS, kind="query"), *model.embed_multi(TEXTS)]
    return [rows.tolist() for rows in found]


def test_what_pylate_saves_gives_the_same_as_colberts_own_files(colbert: Path) -> None:
    expected = vectors(bertie.load(colbert))
    as_pylate(colbert)
    model = bertie.load(colbert)
    assert model.task == "multivector"
    assert vectors(model) == expected
    settings = model.info().settings
    assert (
        settings["document_length"].origin == "config_sentence_transformers.json: document_length"
    )
    assert settings["attend_to_masks"].origin == "default: as in PyLate"


def test_pylates_queries_may_end_where_their_text_ends(colbert: Path) -> None:
    as_pylate(colbert, do_query_expansion=False, skiplist_words=["bridge"])
    model = bertie.load(colbert, precision="float32")
    assert isinstance(model, MultiVectorEmbedder)
    marker, skipped = model.tokenizer.id_of("[unused0]"), model.tokenizer.id_of("bridge")
    first, *rest = model.tokenizer.encode(TEXTS[0]).ids
    ids = [first, marker, *rest]
    found = model.embed_multi(TEXTS[0], kind="query")
    weight = safetensors.numpy.load_file(colbert / "1_Dense/model.safetensors")
    edit_tensors(colbert, lambda tensors: {**tensors, **weight})
    assert found == pytest.approx(by_hand(colbert, ids, len(ids)), abs=1e-4)
    assert len(model.embed_multi(TEXTS[0])) == len(ids) - ids.count(skipped)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"skiplist_words": "!"}, "skiplist_words is '!', expected list"),
        ({"skiplist_words": [3]}, r"skiplist_words is \[3\], expected list"),
        ({"query_length": 2}, "query_length is 2, expected 4 to 64"),
        ({"document_prefix": "[D] "}, r"document_marker is '\[D\] ', which the vocabulary doesn't"),
    ],
)
def test_settings_of_pylates_that_cannot_be_are_refused(
    colbert: Path, settings: dict[str, Any], said: str
) -> None:
    as_pylate(colbert, **settings)
    with pytest.raises(CheckpointError, match=said):
        bertie.load(colbert)


def test_a_projection_of_another_width_is_refused(colbert: Path) -> None:
    as_pylate(colbert)
    edit_json(colbert / "1_Dense/config.json", in_features=10)
    weight = np.zeros((6, 10), np.float32)
    file = colbert / "1_Dense/model.safetensors"
    safetensors.numpy.save_file({"linear.weight": weight}, file)
    with pytest.raises(CheckpointError, match=r"in_features is 10, but the tokens' states .* 24"):
        bertie.load(colbert)


@pytest.mark.parametrize("pylate", [False, True])
def test_a_bundle_gives_what_its_source_gives(colbert: Path, tmp_path: Path, pylate: bool) -> None:
    if pylate:
        as_pylate(colbert)
    write_bundle(colbert, tmp_path / "made", precision="float32")
    source, bundle = (bertie.load(path) for path in (colbert, tmp_path / "made"))
    assert vectors(bundle) == vectors(bertie.load(colbert, precision="float32"))
    assert bundle.info().settings["query_length"].value == 12
    assert source.task == bundle.task == "multivector"
