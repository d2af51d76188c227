"""What is seen of a model is what the model gives."""

from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.errors import InputError
from bertie.opened import Given
from bertie.verify import observe, observe_transformers, observe_vectors, verification_texts
from bertie.verify.observe import sample_size

TEXTS = ("the old bridge", "who reads the new book at night")


def test_a_model_is_seen_whole(tiny_sentence: Path) -> None:
    seen = observe(tiny_sentence, TEXTS, precision="float32")
    model = bertie.load(tiny_sentence, precision="float32")
    assert np.array_equal(seen.vectors, model.embed(list(TEXTS), prompt=""))
    assert seen.ids is not None
    assert list(seen.ids[0]) == model.tokenizer.encode(TEXTS[0]).ids
    assert seen.hidden is not None
    packed = model.tokenizer.encode_batch(TEXTS)
    last = model.encoder.forward(packed.ids, packed.type_ids, packed.lengths)
    assert np.array_equal(seen.hidden[-1], last)
    assert seen.hidden.shape == (4, packed.lengths.sum(), 24)
    assert seen.about["fingerprint"] == model.fingerprint


def test_the_callers_word_counts(tiny_bert: Path) -> None:
    seen = observe(tiny_bert, TEXTS, precision="float32", given=Given(pooling="cls"))
    expected = bertie.load(tiny_bert, precision="float32", pooling="cls").embed(list(TEXTS))
    assert np.array_equal(seen.vectors, expected)


def test_the_sample_has_whole_texts() -> None:
    assert sample_size(np.array([500, 12, 1])) == 2
    assert sample_size(np.array([600, 1])) == 1
    assert sample_size(np.array([3])) == 1


def test_stored_vectors_need_a_row_for_each_text(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    np.save(path, np.ones((2, 3)))
    assert observe_vectors(path, 2).vectors.dtype == np.float32
    for texts in (1, 3):
        with pytest.raises(InputError, match=rf"expected floats \({texts}, dimensions\)"):
            observe_vectors(path, texts)
    np.save(path, np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"can't be read as a \.npy file"):
        observe_vectors(path, 2)
    path.write_bytes(b"none")
    with pytest.raises(InputError, match=r"can't be read as a \.npy file"):
        observe_vectors(path, 2)


def test_texts_are_the_callers_or_those_at_hand(tmp_path: Path) -> None:
    assert len(verification_texts().texts) > 50
    assert verification_texts(["one", "two"]).texts == ("one", "two")
    with pytest.raises(InputError, match="expected at most 2000"):
        verification_texts(["x"] * 2001)


@pytest.mark.parametrize("model", ["tiny_bert", "tiny_sentence"])
def test_transformers_sees_the_same(model: str, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    source = request.getfixturevalue(model)
    mine, its = observe(source, TEXTS, precision="float32"), observe_transformers(source, TEXTS)
    assert mine.ids == its.ids
    assert mine.hidden is not None
    assert its.hidden is not None
    assert np.abs(mine.hidden - its.hidden).max() < 1e-4
    assert np.abs(mine.vectors - its.vectors).max() < 1e-5
