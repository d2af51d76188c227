"""Documents are ranked by what the head says of each together with the query."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import CheckpointError, InputError
from bertie.tasks.rank import Ranked, Reranker
from bertie.tokenize import Tokenizer
from tests.editing import edit_json
from tests.tasks.heads import add_head, logits

QUERY = "who reads"
DOCUMENTS = ["the child reads a book", "rain", "", "a boat on the river", "rain"]


@pytest.fixture
def cross_encoder(bert: Path) -> Path:
    """A tiny BERT with one output."""
    add_head(bert, "sequence_classification", 1)
    return bert


def by_hand(directory: Path, document: str) -> np.ndarray:
    """Compute a document's logits without Bertie's engine."""
    encoded = Tokenizer.load(directory).encode(QUERY, document)
    return logits(directory, "sequence_classification", encoded.ids, encoded.type_ids)


def test_the_best_comes_first_and_equal_ones_keep_their_order(cross_encoder: Path) -> None:
    model = bertie.load(cross_encoder, precision="float32")
    assert isinstance(model, Reranker)
    found = model.rank(QUERY, DOCUMENTS)
    expected = np.array([1 / (1 + np.exp(-by_hand(cross_encoder, d)[0])) for d in DOCUMENTS])
    assert [one.index for one in found] == np.argsort(-expected.round(6), kind="stable").tolist()
    assert [one.score for one in found] == pytest.approx(np.sort(expected)[::-1], abs=1e-5)
    assert model.rank(QUERY, DOCUMENTS, top_k=2) == found[:2]
    assert model.rank(QUERY, []) == []
    assert found[0].to_dict() == {"index": found[0].index, "score": found[0].score}


def test_pairs_are_scored_one_by_one_or_in_company(cross_encoder: Path) -> None:
    model = bertie.load(cross_encoder)
    pairs = [(QUERY, document) for document in DOCUMENTS]
    scores = model.score(pairs)
    assert scores.shape == (5,)
    assert [model.score(pair) for pair in pairs] == scores.tolist()
    assert list(model.score_stream(pairs)) == scores.tolist()
    ranked = model.rank(QUERY, DOCUMENTS)
    assert all(one == Ranked(one.index, scores[one.index]) for one in ranked)


@pytest.mark.parametrize(
    ("config", "origin"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, "fn"),
        ({"sbert_ce_default_activation_function": "torch.nn.Identity"}, "function"),
    ],
)
def test_the_config_may_name_another_activation(
    cross_encoder: Path, config: dict[str, Any], origin: str
) -> None:
    edit_json(cross_encoder / "config.json", **config)
    model = bertie.load(cross_encoder, precision="float32")
    assert model.info().settings["score"].origin.endswith(origin)
    expected = [by_hand(cross_encoder, document)[0] for document in DOCUMENTS]
    pairs = [(QUERY, document) for document in DOCUMENTS]
    assert model.score(pairs).tolist() == pytest.approx(expected, abs=1e-4)
    assert model.score(pairs, raw=True).tolist() == model.score(pairs).tolist()


def test_a_softmax_of_one_output_would_always_be_1(cross_encoder: Path) -> None:
    name = "torch.nn.modules.activation.Softmax"
    edit_json(cross_encoder / "config.json", sentence_transformers={"activation_fn": name})
    model = bertie.load(cross_encoder, precision="float32")
    expected = [1 / (1 + np.exp(-by_hand(cross_encoder, document)[0])) for document in DOCUMENTS]
    found = model.score([(QUERY, document) for document in DOCUMENTS])
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert model.info().settings["score"].origin.endswith("one output's softmax is always 1")


def test_a_query_that_leaves_no_room_for_windows_is_refused(cross_encoder: Path) -> None:
    model = bertie.load(cross_encoder)
    long = "river " * 50
    with pytest.raises(InputError, match=r"text 1: its query has 53 .* at most 47, so that"):
        model.score([("rain", "rain"), (long, "rain")], truncate="window")
    words = (long.split(), ["rain"])
    with pytest.raises(InputError, match="text 0: its query has 53 tokens"):
        model.score([words], truncate="window", split_words=True)


def test_an_activation_that_nobody_knows_is_refused(cross_encoder: Path) -> None:
    edit_json(cross_encoder / "config.json", sbert_ce_default_activation_function="mine.Swish")
    message = "sbert_ce_default_activation_function is 'mine.Swish', expected torch's Sigmoid"
    with pytest.raises(CheckpointError, match=message):
        bertie.load(cross_encoder)


def test_of_several_outputs_one_counts(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, ["no", "maybe", "yes"])
    model = bertie.load(bert, task="rank", precision="float32")
    with pytest.raises(InputError, match="say which counts, label= of: no, maybe, yes"):
        model.rank(QUERY, DOCUMENTS)
    scores = model.score([(QUERY, d) for d in DOCUMENTS], label="maybe")
    expected = [by_hand(bert, document)[1] for document in DOCUMENTS]
    assert scores.tolist() == pytest.approx(expected, abs=1e-4)
    with pytest.raises(InputError, match="label is 'perhaps', but the head's labels are: no,"):
        model.rank(QUERY, DOCUMENTS, label="perhaps")


def test_the_best_window_of_a_long_document_counts(cross_encoder: Path) -> None:
    model = bertie.load(cross_encoder, precision="float32")
    long = "wind and rain by the river " * 30
    windows = model.tokenizer.windows(QUERY, long, max_length=64, stride=16, strategy="only_second")
    rows = [logits(cross_encoder, "sequence_classification", w.ids, w.type_ids) for w in windows]
    (best,) = model.rank(QUERY, [long], truncate="window", raw=True)
    assert best.score == pytest.approx(max(row[0] for row in rows), abs=1e-4)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("one text", "documents is one text, expected a list of them"),
        (["a", None], r"text 1 \(second of its pair\) is None"),
        (None, "inputs is None"),
    ],
)
def test_documents_that_are_none_are_refused(
    cross_encoder: Path, documents: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bertie.load(cross_encoder).rank(QUERY, documents)


def test_a_query_must_be_a_text_and_a_pair_a_pair(cross_encoder: Path) -> None:
    model = bertie.load(cross_encoder)
    with pytest.raises(InputError, match="text 0 is None"):
        model.rank(None, [])
    with pytest.raises(
        InputError, match="text 1 stands alone, expected a tuple of it and the document"
    ):
        model.score([("a", "b"), "c"])
