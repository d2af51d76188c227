"""An index on the disk: what is added is found, what is changed or deleted no longer."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import InputError, SourceError, TaskError
from bertie.loading.load import load
from bertie.search import Changes, Index, Match, store
from bertie.search.lock import writer_lock
from tests.search.conftest import ROWS
from tests.tasks.heads import add_head

TEXTS = [row["text"] for row in ROWS]


def keys(matches: list[Match]) -> list[str]:
    return [match.key for match in matches]


def test_scores_are_the_cosines_of_the_models_own_vectors(filled: Index, embedder: Any) -> None:
    query = "dogs in the rain"
    asked, texts = embedder.embed(query, kind="query"), embedder.embed(TEXTS, kind="document")
    cosines = embedder.similarity(asked, texts)[0]
    found = filled.search(query, k=4)
    assert keys(found) == [str(place + 1) for place in np.argsort(-cosines)]
    assert [match.score for match in found] == pytest.approx(-np.sort(-cosines), abs=1e-5)
    assert found[0].fields == ROWS[int(found[0].key) - 1]


def test_words_are_found_by_their_stems_and_fused_with_meanings(filled: Index) -> None:
    assert keys(filled.search("reading books", mode="text")) == ["1"]
    assert filled.search("xylophone", mode="text") == []
    assert filled.search("", mode="text") == []
    hybrid = filled.search("reading books", k=4, mode="hybrid")
    assert {"1", "2", "3", "4"} == set(keys(hybrid))
    place = keys(filled.search("reading books", k=4)).index("1") + 1
    scores = {match.key: match.score for match in hybrid}
    assert scores["1"] == pytest.approx(1 / 61 + 1 / (60 + place))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("year >= 1992", {"3", "4"}),
        ("lang = 'en' and year < 1991", {"1"}),
        ({"lang": "en"}, {"1", "2"}),
        ({"year": [1990, 1993], "lang": ["de", "fr"]}, {"4"}),
        ({"lang": None}, {"3"}),
        ({"lang": [None, "de"]}, {"3", "4"}),
        ({"id": "1' OR '1'='1"}, set()),
    ],
)
@pytest.mark.parametrize("mode", ["vector", "hybrid"])
def test_a_condition_narrows_every_mode(
    filled: Index, where: Any, expected: set[str], mode: str
) -> None:
    assert set(keys(filled.search("dogs", where=where, mode=mode))) == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("nosuch = 1", "where is 'nosuch = 1': .*No field named nosuch"),
        ("year >", "where is 'year >': "),
        ("year = 'abc'", "where is .*could not convert"),
        ("1; drop table rows", "where is '1; drop table rows'"),
        ("year in (select 1)", "not supported"),
        ("cast(text as int) > 1", "Cannot cast"),
        ("year / 0 = 1", "Divide by zero"),
        ({"nosuch": 1}, "where: no column 'nosuch', there are "),
    ],
)
def test_a_condition_that_cannot_be_is_refused(filled: Index, where: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        filled.search("dogs", where=where)
    assert len(filled) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0, expected 1 to"),
        ({"k": True}, "k is True"),
        ({"mode": "fuzzy"}, "mode is 'fuzzy', expected one of vector, text, hybrid"),
        ({"vector": np.zeros(3)}, r"vector is \(3,\), expected"),
        ({"vector": ["1"] * 10}, "vector is .*, expected numbers"),
        ({"vector": [True] * 10}, "vector is .*, expected numbers"),
        ({"vector": [1j] * 10}, "vector is .*, expected numbers"),
        ({"query": 7}, "query is 7, expected a text"),
    ],
)
def test_options_that_cannot_be_are_refused(
    filled: Index, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        filled.search(**({"query": "dogs"} | options))


def test_only_new_and_changed_rows_are_embedded(
    filled: Index, watched: Callable[[], list[str]]
) -> None:
    assert filled.add(ROWS) == Changes(unchanged=4)
    assert watched() == []
    rows = [{**ROWS[0], "year": 2000}, {**ROWS[1], "text": "snow falls"}, *ROWS[2:]]
    rows.append({"id": "5", "text": "new"})
    changes = filled.add(rows)
    assert (changes.added, changes.changed, changes.unchanged) == (1, 2, 2)
    assert watched() == ["snow falls", "new"]  # another year takes no new vector
    assert filled.search("a", where={"id": "1"})[0].fields["year"] == 2000
    assert keys(filled.search("snow", mode="text")) == ["2"]
    assert len(filled) == 5


def test_more_rows_than_the_model_reads_ahead_are_all_there(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    rows = [{"id": n, "text": f"dog {n % 7}"} for n in range(5000)]
    assert index.add(rows).added == 5000
    assert index.add(rows[::-1]) == Changes(unchanged=5000)
    _, vectors = index.vectors()
    expected = embedder.embed([f"dog {n}" for n in range(7)], kind="document")
    assert len(np.unique(vectors, axis=0)) == 7
    best = embedder.similarity(vectors[:7], expected).max(axis=1)
    assert best == pytest.approx(1, abs=1e-5)


def test_rows_without_a_key_are_told_apart_by_content_and_none_is_lost(
    tmp_path: Path, embedder: Any
) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    rows = [{"text": "same"}, {"text": "same"}, {"text": "other"}]
    assert index.add(rows).added == 3
    assert index.add(rows) == Changes(unchanged=3)
    assert index.add(rows[1:], prune=True).unchanged == 2
    assert len(index) == 2
    with pytest.raises(InputError, match="to update rows the index needs a key column"):
        index.update([{"text": "same"}])


def test_pruning_deletes_what_is_no_longer_given(filled: Index) -> None:
    filled.add(ROWS[:2], prune=True)
    assert set(keys(filled.search("a"))) == {"1", "2"}


def test_rows_are_changed_and_deleted_by_key(
    filled: Index, watched: Callable[[], list[str]]
) -> None:
    assert filled.update([{"id": "2", "year": 5}]).changed == 1
    assert watched() == []
    assert filled.search("a", where={"id": "2"})[0].fields == {**ROWS[1], "year": 5}
    with pytest.raises(InputError, match="row 2: no row has 'id' 'none'; add it"):
        filled.update([{"id": "2", "year": 6}, {"id": "none"}])
    assert filled.delete(["2", "no such key"]) == 1
    assert filled.delete(where="year = 1993") == 1
    assert set(keys(filled.search("a"))) == {"1", "3"}
    for wrong in ({}, {"keys": ["1"], "where": "year = 1"}, {"where": {}}, {"keys": "1"}):
        with pytest.raises(InputError, match=r"delete takes|where is empty|keys is '1'"):
            filled.delete(**wrong)
    assert len(filled) == 2


def test_two_rows_with_one_key_are_refused_and_nothing_is_written(filled: Index) -> None:
    rows = [{"id": "8", "text": "a"}, {"id": "9", "text": "b"}, {"id": "8", "text": "c"}]
    with pytest.raises(InputError, match="rows 1 and 3 have the same 'id', '8'"):
        filled.add(rows)
    assert len(filled) == 4


def test_an_empty_index_finds_nothing(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    for mode in ("vector", "text", "hybrid"):
        assert index.search("anything", mode=mode) == []
    assert index.add([]) == Changes()
    assert len(index) == 0


def test_a_column_may_come_later_and_values_keep_its_type(filled: Index) -> None:
    filled.add([{"id": "5", "text": "five", "price": 1.5, "tags": ["a", "b"]}])
    assert filled.search("five", where="price > 1")[0].fields["tags"] == '["a", "b"]'
    assert filled.search("a", where={"id": "1"})[0].fields["price"] is None
    with pytest.raises(InputError, match="column 'year' has 'soon', expected int64, or nothing"):
        filled.add([{"id": "6", "text": "six", "year": "soon"}])
    with pytest.raises(InputError, match="column 'year' has 100000000000000000000"):
        filled.add([{"id": "6", "text": "six", "year": 10**20}])
    assert len(filled) == 5


def test_an_index_opens_with_the_model_and_precision_that_made_it(
    filled: Index, tiny_sentence: Path, tmp_path: Path
) -> None:
    opened = Index.open(filled.path)
    assert opened.search("dogs", 4) == filled.search("dogs", 4)
    assert opened.model.info().precision == "float32"
    with pytest.raises(InputError, match=r"was made with the model .* in float32 .*don't mix"):
        Index.open(filled.path, model=load(tiny_sentence, precision="bfloat16"))
    with pytest.raises(InputError, match="vectors of different models don't mix"):
        Index.open(filled.path, model=load(tiny_sentence, precision="float32", max_length=9))
    with pytest.raises(TaskError, match="expected one that embeds"):
        Index.open(filled.path, model=object())


def test_a_model_that_moved_can_be_named(filled: Index, sentence: Path) -> None:
    replace(filled.settings, source="/nowhere/at/all").save(filled.path)
    with pytest.raises(SourceError):
        Index.open(filled.path).search("dogs")
    assert keys(Index.open(filled.path).search("reads", mode="text")) == ["1"]  # takes no model
    assert Index.open(filled.path, model=sentence).search("dogs", 4) == filled.search("dogs", 4)


def test_a_vector_given_takes_no_model(filled: Index, embedder: Any) -> None:
    replace(filled.settings, source="/nowhere/at/all").save(filled.path)
    vector = embedder.embed("dogs", kind="query")
    found = Index.open(filled.path).search("dogs", 4, vector=vector)
    assert found == filled.search("dogs", 4)


def test_a_cross_encoder_orders_what_was_found(filled: Index, bert: Path) -> None:
    add_head(bert, "sequence_classification", 1)
    reranker = load(bert, task="rank", precision="float32")
    found = filled.search("dogs", 2, rerank=reranker)
    texts = {row["id"]: row["text"] for row in ROWS}
    best = reranker.rank("dogs", [texts[key] for key in sorted(texts)])
    assert [(match.key, match.score) for match in found] == [
        (str(one.index + 1), pytest.approx(one.score)) for one in best[:2]
    ]
    with pytest.raises(TaskError, match="expected one that ranks"):
        filled.search("dogs", rerank=filled.model)


def test_a_directory_that_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no index: it has no index.json; make one"):
        Index.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "can't be read"),
        ("[]", r"is of format \[\], expected 1"),
        ('{"format": 2}', "is of format 2, expected 1"),
        ('{"format": 1}', "is damaged"),
    ],
)
def test_damaged_settings_are_refused(filled: Index, text: str, message: str) -> None:
    (filled.path / "index.json").write_text(text)
    with pytest.raises(InputError, match=message):
        Index.open(filled.path)


@pytest.mark.parametrize("harm", ["gone", "truncated", "zeros"])
def test_damaged_rows_are_an_error_that_names_the_index(filled: Index, harm: str) -> None:
    (data,) = (filled.path / "rows.lance" / "data").iterdir()
    size = data.stat().st_size
    if harm == "gone":
        data.unlink()
    else:
        data.write_bytes(data.read_bytes()[: size // 2] if harm == "truncated" else bytes(size))
    with pytest.raises(InputError, match=r"index: the index's rows can't be read"):
        Index.open(filled.path, model=filled.model).search("dogs")
    shutil.rmtree(filled.path / "rows.lance")
    with pytest.raises(InputError, match="can't be read"):
        Index.open(filled.path)


def test_an_index_is_made_only_where_nothing_is(filled: Index, embedder: Any) -> None:
    with pytest.raises(InputError, match="is there already, expected a new or an empty directory"):
        Index.create(filled.path, model=embedder)
    for option in ({"first_pass": "int4"}, {"language": "Klingon"}, {"truncate": "middle"}):
        with pytest.raises(InputError, match="expected one of"):
            Index.create(filled.path / "other", model=embedder, **option)
    assert not (filled.path / "other").exists()


def test_bits_need_dimensions_by_eights(tmp_path: Path, embedder: Any) -> None:
    with pytest.raises(InputError, match=r"first_pass is binary, but vectors have \d+ dimensions"):
        Index.create(tmp_path / "index", model=embedder, first_pass="binary")


def test_another_key_column_is_refused(filled: Index) -> None:
    with pytest.raises(InputError, match="key is 'year', but the rows were added with 'id'"):
        filled.add(ROWS, key="year")


def test_one_writes_at_a_time(filled: Index) -> None:
    with writer_lock(filled.path):
        for call in (lambda: filled.add(ROWS), lambda: filled.delete(["1"])):
            with pytest.raises(InputError, match="is being written by another process"):
                call()
        assert len(filled.search("dogs")) == 4
    assert filled.delete(["1"]) == 1


def test_what_an_add_wrote_before_it_failed_is_not_embedded_again(
    filled: Index, watched: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertie.search.adding._CHUNK", 2)
    rows: list[Any] = [{"id": f"new{n}", "text": f"text {n}"} for n in range(9)]
    with pytest.raises(InputError, match="row 10: column 'text' is missing"):
        filled.add([*rows, {"id": "bad"}])
    watched()
    missing = 13 - len(Index.open(filled.path))
    assert filled.add(rows).added == missing
    assert len(watched()) == missing
    assert len(filled) == 13


@pytest.mark.parametrize("first_pass", ["int8", "binary", "float32"])
def test_many_rows_get_an_approximate_index_that_follows_them(
    tmp_path: Path, tiny_sentence: Path, first_pass: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "APPROXIMATE_FROM", 300)
    model = load(tiny_sentence, precision="float32", dimensions=8)
    index = Index.create(tmp_path / "index", model=model, key="id", first_pass=first_pass)
    index.add({"id": n, "text": f"number {n}"} for n in range(299))
    assert index.settings.trained == 0
    index.add({"id": n, "text": f"number {n}"} for n in range(400))
    assert Index.open(index.path).settings.trained == 400
    index.add([{"id": 1000, "text": "quite another text"}])
    again = Index.open(index.path, model=model)
    assert again.search("quite another text", 1)[0].key == "1000"
    exact = again.search("number 77", 10, exact=True)
    assert [m.score for m in again.search("number 77", 10)] == pytest.approx(
        [m.score for m in exact], abs=1e-3
    )


def test_an_approximate_index_of_many_pieces_is_made_anew(
    tmp_path: Path, embedder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "APPROXIMATE_FROM", 300)
    monkeypatch.setattr(store, "_MAX_SEGMENTS", 2)
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    index.add({"id": str(n), "text": f"number {n}"} for n in range(300))
    pieces = []
    for row in ROWS:
        index.add([row | {"id": row["text"]}])
        pieces.append(_pieces(index))
    assert max(pieces) <= 2
    assert index.settings.trained > 300
    for text in TEXTS:
        found, exact = (index.search(text, 1, exact=exact) for exact in (False, True))
        assert found[0].score == pytest.approx(exact[0].score, abs=1e-3)


def test_a_reader_from_before_the_approximate_index_compares_the_best_in_float32(
    tmp_path: Path, tiny_sentence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "APPROXIMATE_FROM", 300)
    monkeypatch.setattr(store, "_READ_INTERVAL", timedelta(0))
    model = load(tiny_sentence, precision="float32", dimensions=8)
    index = Index.create(tmp_path / "index", model=model, key="id", first_pass="binary")
    reader = Index.open(index.path, model=model)
    index.add({"id": n, "text": f"number {n}"} for n in range(400))
    assert reader.settings.trained == 0
    found, exact = (reader.search("number 77", 10, exact=exact) for exact in (False, True))
    assert [m.score for m in found] == pytest.approx([m.score for m in exact], abs=1e-3)


def test_partitions_keep_their_size_when_the_index_is_brought_up_to_date(
    tmp_path: Path, embedder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "APPROXIMATE_FROM", 300)
    monkeypatch.setattr(store, "_PARTITION_ROWS", 20)
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    names = [str(n) for n in range(600)]
    vectors = np.random.default_rng(0).standard_normal((600, embedder.dimensions), np.float32)
    columns = dict.fromkeys(("bertie_key", "bertie_content", "id", "text"), names)
    counts = dict.fromkeys(("bertie_tokens", "bertie_cut"), [1] * 600)
    index.store.write(columns | counts, vectors, 0)
    for _ in range(2):
        index.add([])
    query = index.store._table.search(vectors[0], vector_column_name="bertie_vector")
    ranked = re.search(r"partitions_ranked=(\d+)", query.limit(1).nprobes(1).analyze_plan())
    assert ranked is not None
    assert 15 <= int(ranked[1]) <= 60


def _pieces(index: Index) -> int:
    """How many pieces the approximate index has."""
    indices = index.store._table.list_indices()
    return next(int(one.num_segments) for one in indices if "bertie_vector" in one.columns)


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_fewer_rows_asked_for_are_the_best_of_more(
    tmp_path: Path, embedder: Any, mode: str, count: int
) -> None:
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    # Most are equally good, and come in another order than their keys'.
    index.add(
        [{"id": n, "text": "a dog" if n != 5 else "two dogs run"} for n in range(count)][::-1]
    )
    everything = index.search("dogs", 10_000, mode=mode)
    assert len(everything) == count
    assert everything == sorted(everything, key=lambda match: (-match.score, match.key))
    for k in (1, 2, 3, 6, 7, 8, 100):
        assert index.search("dogs", k, mode=mode) == everything[:k]
        assert index.search("dogs", k, mode=mode, where="text IS NOT NULL") == everything[:k]
    for k in (0, -1, 10_001, 2.0, None):
        with pytest.raises(InputError, match=r"k is .*, expected 1 to 10000"):
            index.search("dogs", k, mode=mode)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="query holds half a surrogate pair"):
        index.search("\ud800", mode=mode)
