"""Files' names for tensors become canonical ones."""

import pytest

from bertie.checkpoint.names import canonical, ties


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
        ("embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
        ("bert.embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"),
        ("bert.pooler.dense.bias", "pooler.dense.bias"),
        ("cls.predictions.transform.LayerNorm.gamma", "cls.predictions.transform.LayerNorm.weight"),
        ("classifier.weight", "classifier.weight"),
        ("distilbert.gamma", "distilbert.gamma"),
        ("some.bert.weight", "some.bert.weight"),
    ],
)
def test_a_name_becomes_canonical(name: str, expected: str) -> None:
    assert canonical(name) == expected
    assert canonical(expected) == expected


def test_a_decoder_that_is_absent_is_the_word_embeddings() -> None:
    words = "embeddings.word_embeddings.weight"
    present = [words, "cls.predictions.bias"]
    assert ties(present) == {
        "cls.predictions.decoder.weight": words,
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    assert ties([*present, "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"]) == {}


def test_an_encoder_without_that_head_has_no_ties() -> None:
    assert ties(["embeddings.word_embeddings.weight"]) == {}
