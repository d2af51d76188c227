"""A column may be called anything that isn't refused by name, and works in every mode."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.loading.load import load
from bertie.search import Index
from bertie.search.adding import add_rows
from bertie.search.report import describe
from tests.tasks.heads import add_head

pytest.importorskip("lancedb")

NAMES = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.text(st.sampled_from(" '\"\\-/()[]{}$;:,%#@!?<>=+*&|~^aZ9é文\t\n"), min_size=1, max_size=6),
    st.sampled_from(["select", "Order", "GROUP", "from", "null", "true", "text", "Text", "id2"]),
    st.sampled_from(["vector", "score", "key", "rowid", "distance", "rows", "9lives", "ÀÉ"]),
).filter(lambda name: not name.startswith(("_", "bertie_")) and not set(name) & set(".`\0"))
ROWS = ["a child reads a book", "two dogs run in the park", "rain falls on the street"]


def works(directory: Path, embedder: Any, text: str, key: str, other: str) -> None:
    """Do everything that there is to do with an index of three columns."""
    index = Index.create(directory, model=embedder, column=text, key=key)
    rows = [{key: f"k'{n}", text: one, other: n} for n, one in enumerate(ROWS)]
    assert index.add(rows).added == 3
    files = indices(index)
    assert index.add(rows).unchanged == 3
    assert indices(index) == files  # the index of words isn't made anew
    for one in (index, Index.open(directory, model=embedder)):
        assert [match.key for match in one.search("dogs", mode="text")] == ["k'1"]
        scores = {match.key: match.score for match in one.search("dogs", mode="hybrid")}
        by_meaning = [match.key for match in one.search("dogs")]
        place = 1 + by_meaning.index("k'1")
        assert scores["k'1"] == pytest.approx(1 / 61 + 1 / (60 + place))
        assert one.search("dogs")[0].fields.keys() == {text, key, other}
        for mode in ("vector", "text", "hybrid"):
            for where in ({other: 1}, {key: "k'1"}, {text: ROWS[1]}, f"`{other}` = 1"):
                assert [m.key for m in one.search("dogs", mode=mode, where=where)] == ["k'1"]
    assert index.update([{key: "k'1", other: 7}, {key: "k'2", text: "three dogs"}]).changed == 2
    assert {m.key for m in index.search("dogs", mode="text")} == {"k'1", "k'2"}
    index.annotate(other + "2", {"k'0": "new"})
    assert [m.key for m in index.search("a", where={other + "2": "new"})] == ["k'0"]
    assert describe(index).rows == 3
    fields = {row["key"]: row["fields"] for row in index.vectors([other, text])[0]}
    assert fields["k'1"] == {other: 7, text: ROWS[1]}
    assert index.delete(where={other: [0, 7]}) == 2
    assert index.delete(["k'2"]) == 1
    for mode in ("vector", "text", "hybrid"):
        assert index.search("dogs", mode=mode) == []


def indices(index: Index) -> set[str]:
    """The directories of what LanceDB indexed."""
    return {path.name for path in (index.path / "rows.lance" / "_indices").iterdir()}


@settings(max_examples=12, deadline=None)
@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True))
@example(names=["Product Name", "body-text", "titre é"])
@example(names=["a'b", 'a"b', "a\\b"])
@example(names=["text", "Text", "TEXT"])
def test_columns_of_any_name_work_in_every_mode(embedder: Any, names: list[str]) -> None:
    text, key, other = names
    if other + "2" in names or "*" in names:
        return
    with TemporaryDirectory() as directory:
        works(Path(directory) / "index", embedder, text, key, other)


@pytest.mark.parametrize(
    "name", ["a.b", "a`b", "*", "", "_score", "bertie_key", "a\0", "\ud800", 5]
)
def test_names_that_cannot_be_are_refused_before_anything_is_made(
    tmp_path: Path, embedder: Any, name: Any
) -> None:
    for asked in ({"column": name}, {"key": name}):
        with pytest.raises(InputError, match=r"a column is called .*; rename it|index's own"):
            Index.create(tmp_path / "index", model=embedder, **asked)
    assert not (tmp_path / "index").exists()
    index = Index.create(tmp_path / "index", model=embedder)
    for call in (
        lambda: index.add([{"text": "a", name: 1}]),
        lambda: index.add([{"text": "a"}], key=name),
        lambda: index.annotate(name, {"1": 1}),
    ):
        with pytest.raises(InputError, match=r"a column is called .*; rename it|index's own"):
            call()
    assert (len(index), index.columns, index.settings.key) == (0, ["text"], None)


def test_a_cross_encoder_reads_a_column_of_any_name(
    tmp_path: Path, embedder: Any, bert: Path
) -> None:
    add_head(bert, "sequence_classification", 1)
    reranker = load(bert, task="rank", precision="float32")
    index = Index.create(tmp_path / "index", model=embedder, column="Product Name")
    index.add([{"Product Name": one} for one in ROWS])
    for mode in ("vector", "hybrid"):
        found = index.search("dogs", mode=mode, rerank=reranker)
        best = reranker.rank("dogs", ROWS)
        assert [m.fields["Product Name"] for m in found] == [ROWS[one.index] for one in best]


@pytest.mark.parametrize("column", ["text", "Product Name"])
def test_words_are_never_left_out_in_silence(tmp_path: Path, embedder: Any, column: str) -> None:
    index = Index.create(tmp_path / "index", model=embedder, column=column)
    rows = [{column: one} for one in ROWS]
    index.store.refresh()
    index.add(rows)
    (words,) = [one for one in index.store._table.list_indices() if one.index_type == "FTS"]
    index.store._table.drop_index(words.name)
    for mode in ("text", "hybrid"):
        with pytest.raises(InputError, match=r"no index of words.*add the same rows again"):
            index.search("dogs", mode=mode)
    assert index.add(rows).unchanged == 3
    assert len(index.search("dogs", mode="text")) == 1


def test_rows_are_found_by_their_words_before_the_add_has_ended(
    tmp_path: Path, embedder: Any
) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    add_rows(index.store, index.settings, embedder, [{"text": one} for one in ROWS])
    found = Index.open(index.path, model=embedder).search("dogs", 1, mode="text")
    assert found[0].fields["text"] == ROWS[1]


@pytest.mark.parametrize("name", ["~", "~/a", "a b", "a%20b", "a#b", "ünï", "s3", "[a]", "a'b"])
def test_directories_of_any_name_hold_their_index(
    tmp_path: Path, embedder: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    index = Index.create(name, model=embedder)
    index.add([{"text": one} for one in ROWS])
    assert (tmp_path / name / "rows.lance").is_dir()
    assert len(Index.open(tmp_path / name, model=embedder).search("dogs", mode="hybrid")) == 3
    assert not (tmp_path / "home").exists()
