"""A vocabulary of more tokens than there are embeddings: loaded, and refused where it matters."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import InputError
from bertie.loading.doctor import diagnose
from tests.editing import edit_json
from tests.tasks.heads import add_fill_head, add_head, add_projection, as_sparse_encoder

GOOD = "a song"
BAD = "the [E11] song"
LONG = "song " * 90 + "[E11]"
ROWS = 179
MATCH = r"token '\[E11\]' is 179 in the vocabulary of 180, but the model has embeddings of 179"


def extended(bert: Path) -> Path:
    """Add a token that there is no embedding of."""
    edit_json(bert / "tokenizer_config.json", additional_special_tokens=["[E11]"])
    return bert


def test_the_model_is_loaded_and_the_note_says_what_is_refused(bert: Path) -> None:
    plain = bertie.load(bert, precision="float32")
    model = bertie.load(extended(bert), precision="float32")
    assert np.array_equal(model.embed(GOOD), plain.embed(GOOD))
    note = "the vocabulary has 180 tokens, and there are embeddings of 179 (vocab_size in"
    assert any(one.startswith(note) for one in model.info().notes)
    found = diagnose(bert)
    assert not found.broken
    assert any(one.text.startswith(note) for one in found.findings)


EMBED: dict[str, Callable[[Any], Any]] = {
    "embed": lambda m: m.embed([GOOD, BAD]),
    "embed a pair of batches": lambda m: list(m.embed_stream([GOOD, BAD])),
    "embed in windows": lambda m: m.embed([GOOD, LONG], truncate="window"),
    "embed words": lambda m: m.embed([["a"], ["the", "[E11]"]], split_words=True),
    "embed ids": lambda m: m.embed([[5], [6, ROWS]], token_ids=True),
    "embed tokens": lambda m: m.embed_tokens([GOOD, BAD]),
    "embed tokens of ids": lambda m: m.embed_tokens([[5], [6, ROWS]], token_ids=True),
    "pickled": lambda m: pickle.loads(pickle.dumps(m)).embed([GOOD, BAD]),  # noqa: S301
}


@pytest.mark.parametrize("name", EMBED)
def test_an_embedder_names_the_text_the_token_and_the_numbers(bert: Path, name: str) -> None:
    model = bertie.load(extended(bert), precision="float32")
    with pytest.raises(InputError, match=rf"^text 1: {MATCH}"):
        EMBED[name](model)


def test_what_is_cut_off_is_not_refused(bert: Path) -> None:
    model = bertie.load(extended(bert), precision="float32")
    with pytest.warns(bertie.TruncationWarning):
        model.embed([LONG])


def _classifier(bert: Path) -> None:
    labels = ["contradiction", "neutral", "entailment"]
    add_head(bert, "sequence_classification", 3, labels)


HEADS: dict[str, tuple[Callable[[Path], None], str, Callable[[Any], Any]]] = {
    "classify": (_classifier, "classify", lambda m: m.classify([GOOD, BAD])),
    "classify pairs": (_classifier, "classify", lambda m: m.classify([GOOD, (GOOD, BAD)])),
    "zero_shot": (
        _classifier,
        "zero_shot",
        lambda m: m.zero_shot([GOOD, BAD], labels=["song", "river"]),
    ),
    "rank": (
        lambda bert: add_head(bert, "sequence_classification", 1),
        "rank",
        lambda m: m.rank("song", [GOOD, BAD]),
    ),
    "tag": (
        lambda bert: add_head(bert, "token_classification", 2, ["O", "B-X"]),
        "tag",
        lambda m: m.tag([GOOD, BAD]),
    ),
    "tag in windows": (
        lambda bert: add_head(bert, "token_classification", 2, ["O", "B-X"]),
        "tag",
        lambda m: m.tag([GOOD, LONG]),
    ),
    "answer": (
        lambda bert: add_head(bert, "question_answering", 2),
        "answer",
        lambda m: m.answer("song", [GOOD, BAD]),
    ),
    "next_sentence": (
        lambda bert: add_head(bert, "next_sentence", 2),
        "next_sentence",
        lambda m: m.next_sentence([GOOD, GOOD], [GOOD, BAD]),
    ),
    "fill": (add_fill_head, "fill", lambda m: m.fill([f"[MASK] {GOOD}", f"[MASK] {BAD}"])),
    "score": (add_fill_head, "fill", lambda m: m.score([GOOD, BAD])),
    "embed_multi": (add_projection, "multivector", lambda m: m.embed_multi([GOOD, BAD])),
}


@pytest.mark.parametrize("name", HEADS)
def test_every_task_names_the_text_the_token_and_the_numbers(bert: Path, name: str) -> None:
    prepare, task, call = HEADS[name]
    prepare(bert)
    model: Any = bertie.load(extended(bert), precision="float32", task=task)
    with pytest.raises(InputError, match=rf"^text 1: {MATCH}"):
        call(model)


def test_a_sparse_encoder_does_so_too(bert: Path) -> None:
    add_fill_head(bert)
    as_sparse_encoder(bert)
    model: Any = bertie.load(extended(bert), precision="float32")
    with pytest.raises(InputError, match=rf"^text 1: {MATCH}"):
        model.embed_sparse([GOOD, BAD])


def test_a_word_to_be_considered_needs_an_embedding(bert: Path) -> None:
    add_fill_head(bert)
    model: Any = bertie.load(extended(bert), precision="float32", task="fill")
    assert model.fill("[MASK] song", targets=["song"])
    with pytest.raises(InputError, match=rf"^target '\[E11\]': {MATCH}"):
        model.fill("[MASK] song", targets=["song", "[E11]"])


def test_int8_is_calibrated_by_what_there_are_embeddings_of(bert: Path) -> None:
    edit_json(bert / "tokenizer_config.json", additional_special_tokens=["ing"])
    assert (bert / "vocab.txt").read_text().split().count("ing") == 0
    model = bertie.load(bert, precision="int8")
    with pytest.raises(InputError, match=r"^text 0: token 'ing' is 179"):
        model.embed("a string")
