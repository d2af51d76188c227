"""Rows sorted into topics."""

from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError
from bertie.search import Index
from bertie.search.clusters import clusters

TEXTS = ["the dog runs", "rain falls"]


@pytest.fixture
def index(tmp_path: Path, embedder: Any) -> Index:
    """Three rows of one text and two of another."""
    pytest.importorskip("sklearn")
    made = Index.create(tmp_path / "index", model=embedder, key="id")
    made.add({"id": n, "text": TEXTS[n % 2]} for n in range(5))
    return made


def test_rows_that_mean_like_things_are_together(index: Index) -> None:
    found, numbers = clusters(index, 2)
    assert numbers == {"0": 0, "1": 1, "2": 0, "3": 1, "4": 0}
    assert [(one.number, one.rows, one.examples) for one in found] == [
        (0, 3, ["the dog runs"]),
        (1, 2, ["rain falls"]),
    ]
    assert found[0].words == ["dog", "runs", "the"]
    assert found[0].cohesion == pytest.approx(1)
    assert clusters(index, 2) == (found, numbers)


def test_more_clusters_than_distinct_rows_leave_some_out(index: Index) -> None:
    found, _ = clusters(index, 4)
    assert [one.rows for one in found] == [3, 2]


@pytest.mark.parametrize("count", [1, 0, 6])
def test_counts_that_cannot_be_are_refused(index: Index, count: int) -> None:
    with pytest.raises(InputError, match=f"clusters are {count}, expected 2 to 5"):
        clusters(index, count)


def test_clusters_are_kept_in_a_column(index: Index) -> None:
    _, numbers = clusters(index, 2)
    index.annotate("topic", numbers)
    assert {row["key"]: row["fields"]["topic"] for row in index.rows()} == numbers
    index.annotate("topic", {"0": 7})
    assert index.search("dog", where={"topic": 7})[0].key == "0"
    assert index.add([{"id": 1, "text": TEXTS[1]}]).unchanged == 1
    for column, value, message in (
        ("text", "a", "'text' is the text or the key"),
        ("_topic", 1, "the index's own"),
        ("topic", "a text", "column 'topic' has 'a text', expected int64"),
    ):
        with pytest.raises(InputError, match=message):
            index.annotate(column, {"0": value})
