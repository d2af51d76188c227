"""Search among rows, and the vectors kept for the next time."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bertie.errors import InputError
from bertie.search import Corpus, vector_cache
from bertie.tables import Row


class Letters:
    """A model that counts three letters, and how often it was asked."""

    fingerprint = "letters"
    dimensions = 3

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, inputs: str) -> NDArray[np.float32]:
        self.embedded.append(inputs)
        return np.array([inputs.count(letter) for letter in "abc"], np.float32)

    def embed_stream(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        return map(self.embed, texts)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path))
    return tmp_path


def corpus(model: Letters, *texts: str) -> Corpus:
    rows = [Row(n, n + 1, {"text": text, "n": n}) for n, text in enumerate(texts, start=1)]
    return Corpus(rows, column="text", model=model)


def test_the_closest_rows_are_found_with_all_their_columns() -> None:
    hits = corpus(Letters(), "aaa", "bb", "aab", "", "bbbb").search("b", k=3)
    assert [(round(hit.score, 4), hit.row.fields["text"]) for hit in hits] == [
        (1.0, "bb"),
        (1.0, "bbbb"),
        (0.4472, "aab"),
    ]
    assert hits[0].row == Row(2, 3, {"text": "bb", "n": 2})


def test_there_are_never_more_hits_than_rows() -> None:
    assert len(corpus(Letters(), "a", "b").search("a", k=9)) == 2


def test_no_rows_and_no_hits_are_refused() -> None:
    with pytest.raises(InputError, match="no rows"):
        corpus(Letters())
    for k in (0, -1, True, 1.5, "2"):
        with pytest.raises(InputError, match=r"k is .*, expected at least 1"):
            corpus(Letters(), "a").search("a", k=k)  # type: ignore[arg-type]


def test_the_same_texts_are_embedded_once() -> None:
    first, second = Letters(), Letters()
    expected = corpus(first, "a", "b").vectors
    assert first.embedded == ["a", "b"]
    assert (corpus(second, "a", "b").vectors == expected).all()
    assert second.embedded == []


def test_other_texts_or_another_model_are_embedded_anew() -> None:
    corpus(Letters(), "a", "b")
    for texts in (("a",), ("b", "a"), ("ab",), ("a", "b", "")):
        model = Letters()
        corpus(model, *texts)
        assert model.embedded == list(texts)
    model = Letters()
    model.fingerprint = "other"
    corpus(model, "a", "b")
    assert model.embedded == ["a", "b"]


@pytest.mark.parametrize("harm", ["truncated", "flipped", "empty"])
def test_damaged_vectors_are_computed_anew_with_a_note(harm: str, empty_cache: Path) -> None:
    expected = corpus(Letters(), "a", "bc").vectors
    (kept,) = (empty_cache / "vectors").iterdir()
    data = bytearray(kept.read_bytes())
    data[-1] ^= 255
    kept.write_bytes({"truncated": data[:-5], "flipped": data, "empty": b""}[harm])
    model = Letters()
    with pytest.warns(UserWarning, match="is damaged; its vectors are computed anew"):
        again = corpus(model, "a", "bc").vectors
    assert (again == expected).all()
    assert model.embedded == ["a", "bc"]
    model = Letters()
    corpus(model, "a", "bc")
    assert model.embedded == []


def test_the_longest_unused_vectors_make_room(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_cache, "LARGEST", 40)
    for age, texts in enumerate(["a", "b"]):  # each takes 12 + 4 bytes
        corpus(Letters(), texts)
        for kept in (empty_cache / "vectors").iterdir():
            os.utime(kept, (1000 + age, 1000 + age))
    corpus(Letters(), "a")  # used again
    corpus(Letters(), "c")
    used, unused = Letters(), Letters()
    corpus(used, "a")
    corpus(unused, "b")
    assert (used.embedded, unused.embedded) == ([], ["b"])


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BERTIE_HOME", str(tmp_path / "file"))
    assert len(corpus(Letters(), "a").search("a")) == 1
